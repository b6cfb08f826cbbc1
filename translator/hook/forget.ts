// Making the verifier forget what it has learnt, where it would follow the code behind once for every way there.

import { add, and, movImmediate, movImmediate32, mulImmediate, rshImmediate, xor, xor32 } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { load, storeImmediate } from '../asm/memory.ts'
import { type Register, r1, r2, r6, r9 } from '../asm/register.ts'
import { LENGTH_OFFSET, type RecordLayout, SPARE_OFFSET } from '../emit/record.ts'

/** Leaves a number as it is, but the verifier knows nothing of it any more, as little as of the other. Packet lengths in r9 are unknown to it. */
export const forget = (number: Register, unknown: Register = r9): Instruction[] => [
  xor(number, unknown),
  xor(number, unknown),
]

/** The same where loops are open (jump.ts); elsewhere it is still known, since it bounds the loop. Destroys `scratch`. */
export const forgetInLoop = (number: Register, unknown: Register, scratch: Register): Instruction[] => [
  { ...movImmediate(scratch, 0), relocation: { kind: 'open-loop' } },
  and(scratch, unknown),
  ...forget(number, scratch),
]

/** The same of a number of 32 bits. However large it may have grown from one step of a walk to the next, it is any such number then. */
export const forget32 = (number: Register, unknown: Register = r9): Instruction[] => [
  xor32(number, unknown),
  xor32(number, unknown),
]

/**
 * Makes it forget what the record holds, on the stack of the main function: a byte is written that no one reads, and for all the verifier can tell
 * it is any byte of the record. From then on one state stands for every record. Destroys r1 and r2.
 *
 * The place is the upper half of a product of two numbers of 32 bits, so it is less than the size whatever the other number is; that is the least one
 * that leads to the spare byte.
 */
export const forgetRecord = ({ size }: RecordLayout): Instruction[] => [
  movImmediate32(r1, Math.ceil((SPARE_OFFSET * 2 ** 32) / size)),
  load('u32', r2, r6, LENGTH_OFFSET),
  ...forget(r1, r2),
  mulImmediate(r1, size),
  rshImmediate(r1, 32),
  add(r1, r6),
  storeImmediate('u8', r1, 0, 1),
]

/** And what it knows of the L3 bytes in r9. */
export const forgetPacket = (record: RecordLayout): Instruction[] => [
  ...forgetRecord(record),
  load('u32', r9, r6, LENGTH_OFFSET),
]
