// Jumps, calls and the end of a function.

import { immediate32, immediateWord } from './field.ts'
import { type HelperName, helpers } from './helper.ts'
import type { Instruction } from './instruction.ts'
import type { Label } from './label.ts'
import { CALL, CallSource, Class, type Condition, conditionBits, EXIT, JA, Source } from './opcode.ts'
import { type Register, r0, registerOf } from './register.ts'

/** A jump whose offset the assembler finds. */
export interface Jump extends Instruction {
  readonly target: Label
}

/** The second operand of a comparison. A tag tells them apart, because a register is a number at run time. */
export type Operand =
  | { readonly kind: 'register'; readonly register: Register }
  | { readonly kind: 'immediate'; readonly value: number }

export const register = (which: Register): Operand => ({ kind: 'register', register: which })

/** Sign-extended in a 64-bit comparison. */
export const immediate = (value: number): Operand => ({ kind: 'immediate', value })

export const jump = (target: Label): Jump => ({
  opcode: JA,
  dst: r0,
  src: r0,
  offset: 0,
  immediate: 0,
  target,
})

/** if dst `condition` operand goto target; `width` 32 compares the lower halves. */
export const jumpIf = (
  condition: Condition,
  dst: Register,
  operand: Operand,
  target: Label,
  width: 32 | 64 = 64,
): Jump => {
  const opcode = conditionBits[condition] | (width === 32 ? Class.JMP32 : Class.JMP)
  if (operand.kind === 'register')
    return { opcode: opcode | Source.X, dst, src: operand.register, offset: 0, immediate: 0, target }
  const value = width === 32 ? immediateWord(operand.value) : immediate32(operand.value)
  return { opcode: opcode | Source.K, dst, src: r0, offset: 0, immediate: value, target }
}

/** A jump out of a loop that is bounded by it only where a kernel cannot bound loops by itself: the verifier goes through the others once, and not once for each turn. */
export const openLoop = (out: Jump): Jump => ({ ...out, relocation: { kind: 'open-loop' } })

const callOf = (source: number, id: number): Instruction => ({
  opcode: CALL,
  dst: r0,
  src: registerOf(source),
  offset: 0,
  immediate: id,
})

/** r0 = helper(r1, …, r5); r1 to r5 are lost. */
export const call = (helper: HelperName): Instruction => callOf(CallSource.HELPER, helpers[helper])

/** r0 = another function of the program (r1, …, r5); r1 to r5 are lost. */
export const callFunction = (name: string): Instruction => ({
  ...callOf(CallSource.FUNCTION, 0),
  relocation: { kind: 'function', name },
})

/** r0 = a kernel function (r1, …, r5); r1 to r5 are lost. */
export const callKfunc = (name: string): Instruction => ({
  ...callOf(CallSource.KFUNC, 0),
  relocation: { kind: 'kfunc', name },
})

/** Return r0 to the caller, or from the program. */
export const exit = (): Instruction => ({ opcode: EXIT, dst: r0, src: r0, offset: 0, immediate: 0 })
