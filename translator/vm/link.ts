// Programs made ready to run: instructions by slot, with the halves of immediates, jump targets and functions found.

import { disassemble } from '../asm/disassemble.ts'
import { jumpDistance } from '../asm/encode.ts'
import type { Instruction } from '../asm/instruction.ts'
import { Class, classOf, slotsOf } from '../asm/opcode.ts'
import type { ProgramSpec } from '../program.ts'
import { VmError, type VmPlace } from './error.ts'
import { enumeratorNumber, memberOffset, structSize, TICKS_PER_SECOND } from './kernel-struct.ts'

export interface LinkedInstruction {
  readonly opcode: number
  readonly dst: number
  readonly src: number
  readonly offset: number
  /** Halves of the immediate, sign-extended. */
  readonly low: number
  readonly high: number
  /** The slot behind it. */
  readonly next: number
  /** The slot a jump goes to. */
  readonly target: number
  readonly instruction: Instruction
}

export interface LinkedFunction {
  readonly name: string
  /** By slot; none at the second slot of LDDW. */
  readonly slots: readonly (LinkedInstruction | undefined)[]
}

export interface LinkedProgram {
  readonly spec: ProgramSpec
  readonly main: LinkedFunction
  readonly functions: ReadonlyMap<string, LinkedFunction>
}

/** What the kernel would put into an instruction: the offset of a load or store, the operand of arithmetic. */
const relocated = (instruction: Instruction): Pick<Instruction, 'offset' | 'immediate'> => {
  const { opcode, offset, immediate, relocation } = instruction
  if (relocation?.kind === 'has-member') return { offset, immediate: 1 }
  if (relocation?.kind === 'enumerator') return { offset, immediate: enumeratorNumber(relocation) }
  if (relocation?.kind === 'ticks') return { offset, immediate: TICKS_PER_SECOND }
  if (relocation?.kind === 'size') return { offset, immediate: structSize(relocation.struct) }
  if (relocation?.kind !== 'member') return { offset, immediate }
  const member = memberOffset(relocation.struct, relocation.member)
  return classOf(opcode) === Class.ALU64 ? { offset, immediate: member } : { offset: member, immediate }
}

const linkInstruction = (instruction: Instruction, slot: number): LinkedInstruction => {
  const { opcode, dst, src } = instruction
  const { offset, immediate } = relocated(instruction)
  const wide = BigInt.asUintN(64, BigInt(immediate))
  return {
    opcode,
    dst,
    src,
    offset,
    low: Number(wide & 0xffff_ffffn),
    high: Number(wide >> 32n),
    next: slot + slotsOf(opcode),
    target: slot + 1 + (jumpDistance(instruction) ?? 0),
    instruction,
  }
}

const linkFunction = (name: string, instructions: readonly Instruction[]): LinkedFunction => {
  const slots: (LinkedInstruction | undefined)[] = []
  for (const instruction of instructions) {
    slots.push(linkInstruction(instruction, slots.length))
    if (slotsOf(instruction.opcode) === 2) slots.push(undefined)
  }
  return { name, slots }
}

/**
 * Link a program.
 * @throws VmError ERR_VM_UNSUPPORTED for members of kernel structures that are not known here
 */
export const linkProgram = (spec: ProgramSpec): LinkedProgram => {
  const functions = new Map(
    spec.functions.map(({ name, instructions }) => [name, linkFunction(name, instructions)]),
  )
  const main = functions.get(spec.functions[0]?.name ?? '')
  if (!main) throw new VmError('ERR_VM_ARGUMENT', `program ${spec.name} has no function`)
  return { spec, main, functions }
}

/** Names the instruction in a slot, for errors. */
export const placeOf = (program: LinkedProgram, fn: LinkedFunction, slot: number): VmPlace => {
  const instruction = fn.slots[slot]?.instruction
  const rule = instruction?.origin?.rule
  return {
    program: program.spec.name,
    function: fn.name,
    slot,
    text: instruction ? disassemble(instruction) : 'no instruction',
    ...(rule !== undefined && { rule }),
  }
}
