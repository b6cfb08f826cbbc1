// Reads of kernel memory at computed addresses. The verifier lets a program read through whatever bpf_rdonly_cast makes of an address; where
// nothing lies there, the load yields zero. Addresses are numbers here, since arithmetic on typed pointers is forbidden.

import { addImmediate, mov } from './alu.ts'
import type { Instruction } from './instruction.ts'
import { callKfunc } from './jump.ts'
import { addMember, loadMember, store, typeId } from './memory.ts'
import type { Size } from './opcode.ts'
import { type Register, r0, r1, r2, r10 } from './register.ts'

/** r0 = the address in a register as a pointer to a structure. Destroys r1 to r5. */
export const castAt = (address: Register, struct: string): Instruction[] => [
  mov(r1, address),
  typeId(r2, struct),
  callKfunc('bpf_rdonly_cast'),
]

/** dst = a member, which is a number, of the structure at an address. Destroys r0 to r5. */
export const peek = (
  size: Size,
  dst: Register,
  address: Register,
  struct: string,
  member: string,
): Instruction[] => [...castAt(address, struct), loadMember(size, dst, r0, struct, member)]

/** dst = the 8 bytes at the address in r1, as a number. Destroys r0 to r5. */
const peekHere = (dst: Register): Instruction[] => [
  typeId(r2, 'in6_addr'),
  callKfunc('bpf_rdonly_cast'),
  loadMember('u64', dst, r0, 'in6_addr', 'in6_u'),
]

/** dst = the 8 bytes at an address. Destroys r0 to r5. */
export const peekWord = (dst: Register, address: Register): Instruction[] => [
  mov(r1, address),
  ...peekHere(dst),
]

/** dst = a member, which is a pointer, as a number. Destroys r0 to r5. */
export const peekPointer = (
  dst: Register,
  address: Register,
  struct: string,
  member: string,
): Instruction[] => [mov(r1, address), addMember(r1, struct, member), ...peekHere(dst)]

/** dst = a typed pointer as a number, by way of 8 bytes of stack. Destroys r0 to r5. */
export const numberOf = (dst: Register, pointer: Register, slot: number): Instruction[] => [
  store('u64', r10, slot, pointer),
  mov(r1, r10),
  addImmediate(r1, slot),
  ...peekHere(dst),
]
