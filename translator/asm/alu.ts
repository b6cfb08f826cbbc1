// Arithmetic. Each operation comes in four forms, as C and the verifier write them:
//
//   add(r1, r2)              r1 += r2
//   addImmediate(r1, 5)      r1 += 5        the immediate is sign-extended to 64 bits
//   add32(r1, r2)            w1 += w2       the upper half of r1 becomes zero
//   addImmediate32(r1, 5)    w1 += 5

import { immediate32, immediateWord } from './field.ts'
import type { Instruction } from './instruction.ts'
import { Alu, Class, Source } from './opcode.ts'
import { type Register, r0 } from './register.ts'

type Binary = (dst: Register, src: Register) => Instruction
type BinaryImmediate = (dst: Register, immediate: number) => Instruction

const plain = (opcode: number, dst: Register, src: Register, immediate: number): Instruction => ({
  opcode,
  dst,
  src,
  offset: 0,
  immediate,
})

const wide =
  (operation: number): Binary =>
  (dst, src) =>
    plain(operation | Class.ALU64 | Source.X, dst, src, 0)

const wideImmediate =
  (operation: number): BinaryImmediate =>
  (dst, immediate) =>
    plain(operation | Class.ALU64 | Source.K, dst, r0, immediate32(immediate))

const narrow =
  (operation: number): Binary =>
  (dst, src) =>
    plain(operation | Class.ALU | Source.X, dst, src, 0)

const narrowImmediate =
  (operation: number): BinaryImmediate =>
  (dst, immediate) =>
    plain(operation | Class.ALU | Source.K, dst, r0, immediateWord(immediate))

export const mov = wide(Alu.MOV)
export const movImmediate = wideImmediate(Alu.MOV)
export const mov32 = narrow(Alu.MOV)
export const movImmediate32 = narrowImmediate(Alu.MOV)

export const add = wide(Alu.ADD)
export const addImmediate = wideImmediate(Alu.ADD)
export const add32 = narrow(Alu.ADD)
export const addImmediate32 = narrowImmediate(Alu.ADD)

export const sub = wide(Alu.SUB)
export const subImmediate = wideImmediate(Alu.SUB)
export const sub32 = narrow(Alu.SUB)
export const subImmediate32 = narrowImmediate(Alu.SUB)

export const mul = wide(Alu.MUL)
export const mulImmediate = wideImmediate(Alu.MUL)
export const mul32 = narrow(Alu.MUL)
export const mulImmediate32 = narrowImmediate(Alu.MUL)

export const div = wide(Alu.DIV)
export const divImmediate = wideImmediate(Alu.DIV)
export const div32 = narrow(Alu.DIV)
export const divImmediate32 = narrowImmediate(Alu.DIV)

export const mod = wide(Alu.MOD)
export const modImmediate = wideImmediate(Alu.MOD)
export const mod32 = narrow(Alu.MOD)
export const modImmediate32 = narrowImmediate(Alu.MOD)

export const and = wide(Alu.AND)
export const andImmediate = wideImmediate(Alu.AND)
export const and32 = narrow(Alu.AND)
export const andImmediate32 = narrowImmediate(Alu.AND)

export const or = wide(Alu.OR)
export const orImmediate = wideImmediate(Alu.OR)
export const or32 = narrow(Alu.OR)
export const orImmediate32 = narrowImmediate(Alu.OR)

export const xor = wide(Alu.XOR)
export const xorImmediate = wideImmediate(Alu.XOR)
export const xor32 = narrow(Alu.XOR)
export const xorImmediate32 = narrowImmediate(Alu.XOR)

export const lsh = wide(Alu.LSH)
export const lshImmediate = wideImmediate(Alu.LSH)
export const lsh32 = narrow(Alu.LSH)
export const lshImmediate32 = narrowImmediate(Alu.LSH)

export const rsh = wide(Alu.RSH)
export const rshImmediate = wideImmediate(Alu.RSH)
export const rsh32 = narrow(Alu.RSH)
export const rshImmediate32 = narrowImmediate(Alu.RSH)

export const arsh = wide(Alu.ARSH)
export const arshImmediate = wideImmediate(Alu.ARSH)
export const arsh32 = narrow(Alu.ARSH)
export const arshImmediate32 = narrowImmediate(Alu.ARSH)

/** r1 = -r1 */
export const neg = (dst: Register): Instruction => plain(Alu.NEG | Class.ALU64, dst, r0, 0)

/** w1 = -w1 */
export const neg32 = (dst: Register): Instruction => plain(Alu.NEG | Class.ALU, dst, r0, 0)

const swap =
  (opcode: number, bits: 16 | 32 | 64) =>
  (dst: Register): Instruction =>
    plain(opcode, dst, r0, bits)

// Between the host's order (little endian, the only one we emit) and the network's; all but the low bits become zero.
export const be16 = swap(Alu.END | Class.ALU | Source.X, 16)
export const be32 = swap(Alu.END | Class.ALU | Source.X, 32)
export const be64 = swap(Alu.END | Class.ALU | Source.X, 64)

// To little endian: on the hosts we know nothing but a truncation.
export const le16 = swap(Alu.END | Class.ALU | Source.K, 16)
export const le32 = swap(Alu.END | Class.ALU | Source.K, 32)
export const le64 = swap(Alu.END | Class.ALU | Source.K, 64)
