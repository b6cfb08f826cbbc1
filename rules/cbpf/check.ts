// What the kernel asks of a classic program before it runs it (bpf_check_classic and check_load_and_stores in net/core/filter.c).

import { RuleError } from '../error.ts'
import {
  ANCILLARY,
  alu,
  ancillary,
  type CbpfInstruction,
  CODES,
  jump,
  MEMORY_WORDS,
  mode,
  operation,
  ret,
} from './instruction.ts'

/** Throws RuleError('ERR_VALUE') for the first instruction the kernel would refuse. */
export function checkProgram(program: readonly CbpfInstruction[]): void {
  for (const [index, instruction] of program.entries()) {
    const fault = faultOf(instruction, program.length - index - 1)
    if (fault) throw refused(index, fault)
  }
  const last = program.at(-1)
  if (last?.code !== ret.k && last?.code !== ret.a)
    throw refused(program.length - 1, 'a program must end with a return')
  checkMemory(program)
}

const refused = (index: number, why: string): RuleError =>
  new RuleError('ERR_VALUE', `the kernel refuses instruction ${index}: ${why}`)

/** `after`: how many instructions follow. */
function faultOf({ code, jt, jf, k }: CbpfInstruction, after: number): string | undefined {
  if (!CODES.has(code)) return `there is no code ${code}`
  if (isMemory(code) && k >= MEMORY_WORDS) return `there is no memory word ${k}`
  if (isAbsoluteLoad(code) && k >= ANCILLARY && !isAncillary(k)) return `there is nothing at ${k}`
  if ((code === (operation.alu | alu.div) || code === (operation.alu | alu.mod)) && k === 0)
    return 'it divides by 0'
  if ((code === (operation.alu | alu.lsh) || code === (operation.alu | alu.rsh)) && k >= 32)
    return `it shifts by ${k} bits`
  const furthest = code === (operation.jmp | jump.always) ? k : isJump(code) ? Math.max(jt, jf) : 0
  return furthest > 0 && furthest >= after ? 'it jumps beyond the end' : undefined
}

const isJump = (code: number): boolean => (code & 7) === operation.jmp
const isLoadFromMemory = (code: number): boolean =>
  code === (operation.ld | mode.mem) || code === (operation.ldx | mode.mem)
const isStore = (code: number): boolean => code === operation.st || code === operation.stx
const isMemory = (code: number): boolean => isLoadFromMemory(code) || isStore(code)
const isAbsoluteLoad = (code: number): boolean => (code & 0xe7) === (operation.ld | mode.abs)
const isAncillary = (k: number): boolean => (k - ANCILLARY) % 4 === 0 && k - ANCILLARY <= ancillary.last

/** Memory must be written on every way to where it is read. All jumps are forward, so one pass tells. */
function checkMemory(program: readonly CbpfInstruction[]): void {
  const all = 2 ** MEMORY_WORDS - 1
  const reaching = program.map(() => all)
  let written = 0
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    written &= reaching[index] ?? all
    if (isStore(code)) written |= 1 << k
    else if (isLoadFromMemory(code) && !(written & (1 << k)))
      throw refused(index, `memory word ${k} may not have been written`)
    else if (isJump(code)) {
      for (const over of code === (operation.jmp | jump.always) ? [k] : [jt, jf])
        reaching[index + 1 + over] = (reaching[index + 1 + over] ?? all) & written
      written = all
    }
  }
}
