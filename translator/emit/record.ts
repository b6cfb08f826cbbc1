// The packet record: what a hook's prologue reads from the packet once, on the stack of the main function, and what trees compare.
// It is also what functions for chains are given. Numbers are in the machine's byte order.
//
//     byte  0        4    6    8     9      10     11     12     13     14     15
//           length   sport dport proto trans- frag-  icmp   icmp   tcp    ct     ct
//           u32      u16  u16  u8    port   ment   type   code   flags  state  nat
//     byte 16        24       32       40       48       56       64       72
//           saddr    (low)    daddr    (low)    iif      (low)    oif      (low)
//           u32 in IPv4, else two u64: the high half of 128 bits first
//     byte 80  end
//
// Registers: r6 points to the record in every function. r7 to r9 are the prologue's own; r1 to r5 are scratch.

import type { Instruction } from '../asm/instruction.ts'
import { storeImmediate } from '../asm/memory.ts'
import type { Size } from '../asm/opcode.ts'
import { r6 } from '../asm/register.ts'
import type { FieldName } from '../field.ts'

export const RECORD_SIZE = 80

/** Layer 3 bytes of the packet, u32: what byte counters count. */
export const LENGTH_OFFSET = 0

export const recordOffsets: { readonly [N in FieldName]: number } = {
  sport: 4,
  dport: 6,
  protocol: 8,
  transport: 9,
  fragment: 10,
  'icmp-type': 11,
  'icmp-code': 12,
  'tcp-flags': 13,
  ctstate: 14,
  ctnat: 15,
  saddr: 16,
  daddr: 32,
  iif: 48,
  oif: 64,
}

/** How a field of so many bits is loaded; one of 128 is two u64. */
export const sizeOf = (bits: number): Size =>
  bits <= 8 ? 'u8' : bits <= 16 ? 'u16' : bits <= 32 ? 'u32' : 'u64'

/** Zeros the record r6 points to. */
export const clearRecord = (): Instruction[] =>
  Array.from({ length: RECORD_SIZE / 8 }, (_, index) => storeImmediate('u64', r6, 8 * index, 0))
