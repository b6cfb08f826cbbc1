// Small programs put together by hand, so that what is tested is the kernel layer and not the compiler.

import type { Instruction, Relocation } from '../../translator/asm/instruction.ts'
import { Alu, CALL, Class, EXIT, Jmp, LDDW, Mode, SizeBits, Source } from '../../translator/asm/opcode.ts'
import { type Register, r0 } from '../../translator/asm/register.ts'
import { programType } from '../../translator/lane.ts'
import type { FunctionSpec, Hook, MapSpec, ProgramSpec } from '../../translator/program.ts'

const plain = { offset: 0, immediate: 0, src: r0, dst: r0 } as const

export const move = (dst: Register, immediate: number): Instruction => ({
  ...plain,
  opcode: Class.ALU64 | Alu.MOV | Source.K,
  dst,
  immediate,
})

export const copy = (dst: Register, src: Register): Instruction => ({
  ...plain,
  opcode: Class.ALU64 | Alu.MOV | Source.X,
  dst,
  src,
})

export const add = (dst: Register, immediate: number): Instruction => ({
  ...plain,
  opcode: Class.ALU64 | Alu.ADD | Source.K,
  dst,
  immediate,
})

export const addRegister = (dst: Register, src: Register): Instruction => ({
  ...plain,
  opcode: Class.ALU64 | Alu.ADD | Source.X,
  dst,
  src,
})

export const load = (dst: Register, src: Register, offset: number, size: number): Instruction => ({
  ...plain,
  opcode: Class.LDX | Mode.MEM | size,
  dst,
  src,
  offset,
})

export const storeImmediate = (dst: Register, offset: number, immediate: number): Instruction => ({
  ...plain,
  opcode: Class.ST | Mode.MEM | SizeBits.W,
  dst,
  offset,
  immediate,
})

export const atomicAdd = (dst: Register, offset: number, src: Register): Instruction => ({
  ...plain,
  opcode: Class.STX | Mode.ATOMIC | SizeBits.DW,
  dst,
  offset,
  src,
})

export const skipIfZero = (dst: Register, offset: number): Instruction => ({
  ...plain,
  opcode: Class.JMP | Jmp.JEQ | Source.K,
  dst,
  offset,
})

export const loadMap = (dst: Register, map: string): Instruction => ({
  ...plain,
  opcode: LDDW,
  dst,
  immediate: 0n,
  relocation: { kind: 'map', map },
})

export const callHelper = (immediate: number): Instruction => ({ ...plain, opcode: CALL, immediate })

export const call = (relocation: Relocation): Instruction => ({ ...plain, opcode: CALL, relocation })

export const exit: Instruction = { ...plain, opcode: EXIT }

export const relocated = (instruction: Instruction, relocation: Relocation): Instruction => ({
  ...instruction,
  relocation,
})

export const main = (instructions: readonly Instruction[]): FunctionSpec => ({
  name: 'main',
  parameters: [{ name: 'context', type: { kind: 'context' } }],
  instructions,
})

export const program = (
  hook: Hook,
  functions: readonly FunctionSpec[],
  maps: readonly MapSpec[] = [],
): ProgramSpec => ({ name: 'test', hook, type: programType(hook), license: 'Dual MIT/GPL', functions, maps })

/** A program that answers `verdict` to everything. */
export const always = (hook: Hook, verdict: number): ProgramSpec =>
  program(hook, [main([move(r0, verdict), exit])])
