// The conditions of jumps, on registers of two halves. The 32-bit ones are the same with both upper halves equal.

import { Jmp } from '../asm/opcode.ts'
import type { Operand } from './alu.ts'

const below = (a: Operand, b: Operand): boolean =>
  a.high === b.high ? a.low >>> 0 < b.low >>> 0 : a.high >>> 0 < b.high >>> 0

const belowSigned = (a: Operand, b: Operand): boolean =>
  a.high === b.high ? a.low >>> 0 < b.low >>> 0 : (a.high | 0) < (b.high | 0)

const equal = (a: Operand, b: Operand): boolean => a.low === b.low && a.high === b.high

/** Whether the condition holds; undefined for one that does not exist. All halves are unsigned 32-bit numbers. */
export const compare = (condition: number, a: Operand, b: Operand): boolean | undefined => {
  switch (condition) {
    case Jmp.JEQ:
      return equal(a, b)
    case Jmp.JNE:
      return !equal(a, b)
    case Jmp.JSET:
      return (a.low & b.low) !== 0 || (a.high & b.high) !== 0
    case Jmp.JGT:
      return below(b, a)
    case Jmp.JGE:
      return !below(a, b)
    case Jmp.JLT:
      return below(a, b)
    case Jmp.JLE:
      return !below(b, a)
    case Jmp.JSGT:
      return belowSigned(b, a)
    case Jmp.JSGE:
      return !belowSigned(a, b)
    case Jmp.JSLT:
      return belowSigned(a, b)
    case Jmp.JSLE:
      return !belowSigned(b, a)
    default:
      return undefined
  }
}

/** The lower half as a number of 64 bits, in the way that keeps both orders. */
export const narrow = ({ low }: Operand): Operand => ({ low, high: (low >> 31) >>> 0 })
