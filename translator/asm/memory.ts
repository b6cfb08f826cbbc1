// Loads, stores and everything that is put into a register from outside of the program.

import { immediate32, immediate64, immediateWord, offset16 } from './field.ts'
import type { Instruction, Relocation } from './instruction.ts'
import { Alu, Atomic, Class, LDDW, LoadSource, Mode, type Size, Source, sizeBits } from './opcode.ts'
import { type Register, r0, registerOf } from './register.ts'

/** dst = *(size *)(src + offset), zero-extended */
export const load = (size: Size, dst: Register, src: Register, offset: number): Instruction => ({
  opcode: Class.LDX | Mode.MEM | sizeBits[size],
  dst,
  src,
  offset: offset16(offset),
  immediate: 0,
})

/** dst = *(size *)(src + offset of the member): a field of a kernel structure, found by its name at load. */
export const loadMember = (
  size: Size,
  dst: Register,
  src: Register,
  struct: string,
  ...member: readonly string[]
): Instruction => ({ ...load(size, dst, src, 0), relocation: { kind: 'member', struct, member } })

/** *(size *)(dst + offset) = src */
export const store = (size: Size, dst: Register, offset: number, src: Register): Instruction => ({
  opcode: Class.STX | Mode.MEM | sizeBits[size],
  dst,
  src,
  offset: offset16(offset),
  immediate: 0,
})

/** *(size *)(dst + offset) = immediate; a u64 gets it sign-extended. */
export const storeImmediate = (
  size: Size,
  dst: Register,
  offset: number,
  immediate: number,
): Instruction => ({
  opcode: Class.ST | Mode.MEM | sizeBits[size],
  dst,
  src: r0,
  offset: offset16(offset),
  immediate: size === 'u64' ? immediate32(immediate) : immediateWord(immediate),
})

/** lock *(size *)(dst + offset) += src */
export const atomicAdd = (
  size: 'u32' | 'u64',
  dst: Register,
  offset: number,
  src: Register,
): Instruction => ({
  opcode: Class.STX | Mode.ATOMIC | sizeBits[size],
  dst,
  src,
  offset: offset16(offset),
  immediate: Atomic.ADD,
})

/** src = *(u64 *)(dst + offset), which becomes greater by src, in one step. */
export const atomicFetchAdd = (dst: Register, offset: number, src: Register): Instruction => ({
  ...atomicAdd('u64', dst, offset, src),
  immediate: Atomic.ADD | Atomic.FETCH,
})

const loadDouble = (dst: Register, source: number, relocation: Relocation): Instruction => ({
  opcode: LDDW,
  dst,
  src: registerOf(source),
  offset: 0,
  immediate: 0n,
  relocation,
})

/** dst = a number of 64 bits, signed or not. Two slots. */
export const loadImmediate64 = (dst: Register, value: number | bigint): Instruction => ({
  opcode: LDDW,
  dst,
  src: registerOf(LoadSource.NUMBER),
  offset: 0,
  immediate: immediate64(value),
})

/** dst = a map of the program, for the map helpers. Two slots. */
export const loadMap = (dst: Register, map: string): Instruction =>
  loadDouble(dst, LoadSource.MAP_FD, { kind: 'map', map })

/** dst = the address `offset` bytes into the value of an ARRAY map of one entry. Two slots. */
export const loadMapValue = (dst: Register, map: string, offset = 0): Instruction =>
  loadDouble(dst, LoadSource.MAP_VALUE, { kind: 'map-value', map, offset: immediateWord(offset) })

/** dst = the BTF id of a kernel structure. */
export const typeId = (dst: Register, struct: string): Instruction => ({
  opcode: Class.ALU64 | Alu.MOV | Source.K,
  dst,
  src: r0,
  offset: 0,
  immediate: 0,
  relocation: { kind: 'type', struct },
})

/** dst = 1 where the kernel's structure has the member, else 0: the verifier takes only one way behind it. */
export const hasMember = (dst: Register, struct: string, ...member: readonly string[]): Instruction => ({
  ...typeId(dst, ''),
  relocation: { kind: 'has-member', struct, member },
})

/** As loadMember, of a member that not all kernels have: it stands where hasMember leads. */
export const loadMemberIfThere = (
  size: Size,
  dst: Register,
  src: Register,
  struct: string,
  ...member: readonly string[]
): Instruction => ({
  ...load(size, dst, src, 0),
  relocation: { kind: 'member', struct, member, optional: true },
})

/** dst = the number of an enumerator. */
export const enumerator = (dst: Register, enumeration: string, name: string): Instruction => ({
  ...typeId(dst, ''),
  relocation: { kind: 'enumerator', enum: enumeration, name },
})

/** dst = timer ticks in a second. */
export const ticksPerSecond = (dst: Register): Instruction => ({
  ...typeId(dst, ''),
  relocation: { kind: 'ticks' },
})

/** dst = the id of a control group. Two slots. */
export const loadCgroup = (dst: Register, path: string): Instruction =>
  loadDouble(dst, LoadSource.NUMBER, { kind: 'cgroup', path })

/** dst += the offset of a member: the address of a structure becomes that of a part of it. */
export const addMember = (dst: Register, struct: string, ...member: readonly string[]): Instruction => ({
  opcode: Class.ALU64 | Alu.ADD | Source.K,
  dst,
  src: r0,
  offset: 0,
  immediate: 0,
  relocation: { kind: 'member', struct, member },
})

/** dst -= the offset of a member: the address of a part becomes that of the structure around it. */
export const subMember = (dst: Register, struct: string, ...member: readonly string[]): Instruction => ({
  ...addMember(dst, struct, ...member),
  opcode: Class.ALU64 | Alu.SUB | Source.K,
})

/** dst = the bytes that a kernel structure takes. */
export const structSize = (dst: Register, struct: string): Instruction => ({
  ...typeId(dst, struct),
  relocation: { kind: 'size', struct },
})
