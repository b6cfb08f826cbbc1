// The packet record: what a hook's prologue reads from the packet once, on the stack of the main function, and what trees compare.
// It is also what functions for chains are given. Numbers are in the machine's byte order.
//
//     byte  0        4          5           6          7       8 …
//           length   protocol   transport   fragment   spare   words, notes, ranks, and then the other fields the program asks for, the widest first
//           u32      u8         u8          u8         u8      u64    u64
//
// A field of 128 bits is two u64, the high half first. An address of IPv4 is a u32, at the start of what one of IPv6 takes where
// the program is for both.
//
// Registers: r6 points to the record in every function. r7 to r9 are the prologue's own; r1 to r5 are scratch.

import type { Family } from 'iptables-parser'
import type { Instruction } from '../asm/instruction.ts'
import { storeImmediate } from '../asm/memory.ts'
import type { Size } from '../asm/opcode.ts'
import { r6 } from '../asm/register.ts'
import { type FieldName, fieldOf } from '../field.ts'

/** Layer 3 bytes of the packet, u32: what byte counters count. */
export const LENGTH_OFFSET = 0

/** A byte that no one reads (see hook/forget.ts). */
export const SPARE_OFFSET = 7

/** Fields that prologues need themselves, so that every record has them. */
export const fixedOffsets = { protocol: 4, transport: 5, fragment: 6 } as const
const FIXED = new Map<FieldName, number>(Object.entries(fixedOffsets) as [FieldName, number][])
/** What is in every record. */
export const FIXED_SIZE = 8

/** Where the record of one program has its fields. */
export interface RecordLayout {
  /** Bytes, a multiple of 8. */
  readonly size: number
  /** Where a program that counts only in the end notes its counters (see emit/log.ts); none in others. */
  readonly log?: number
  /** Words that trees in a map compare (see emit/walk.ts): once in the record and not in each function's frame. */
  readonly words: number
  /** Where the ranks of blocks that rules part stand, a u64 each (see emit/parted.ts). */
  readonly ranks: number
  /** Throws RangeError for a field that the program does not ask for. */
  offset(field: FieldName): number
  readonly shape: RecordShape
}

/** A record as plain data, for other programs to have their fields in the same places. */
export interface RecordShape {
  /** Whose fields it has room for. */
  readonly families: readonly Family[]
  readonly offsets: ReadonlyMap<FieldName, number>
  /** How many words trees in a map compare. */
  readonly words: number
  /** Where the last field ends. */
  readonly end: number
}

/**
 * A record for all that is asked; the same fields give the same layout. Where it is to be like another, which is for the same families, fields that are new stand behind
 * those of the other. Throws RangeError where that is for others, or has no room for the words.
 */
export function recordLayout(
  requests: readonly { readonly family: Family; readonly fields: ReadonlySet<FieldName> }[],
  { logSize = 0, words: asked = 0, ranks = 0, like }: RecordOptions = {},
): RecordLayout {
  const words = like?.words ?? asked
  if (asked > words) throw new RangeError(`a record with ${words} words has no room for ${asked}`)
  const families = requests.map(({ family }) => family)
  if (like && like.families.join() !== families.join())
    throw new RangeError(`a record for ${like.families} has not the fields of ${families}`)
  const sizes = new Map<FieldName, number>()
  for (const request of requests)
    for (const field of request.fields)
      if (!FIXED.has(field))
        sizes.set(field, Math.max(sizes.get(field) ?? 0, bytesOf(fieldOf(field).bits(request.family))))
  const offsets = new Map(like?.offsets ?? FIXED)
  const log = FIXED_SIZE + 8 * words
  const ranksAt = like ? Math.ceil(like.end / 8) * 8 : log + logSize
  let end = ranksAt + 8 * ranks
  for (const [field, size] of [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))) {
    if (offsets.has(field)) continue
    const unit = Math.min(size, 8)
    end = Math.ceil(end / unit) * unit
    offsets.set(field, end)
    end += size
  }
  return {
    // a mask keeps the place of a word inside: for the verifier they are as many as it lets through
    size: Math.max(Math.ceil(end / 8) * 8, FIXED_SIZE + wordsRoom(words)),
    words: FIXED_SIZE,
    ranks: ranksAt,
    shape: { families, offsets, words, end },
    ...(logSize > 0 && { log }),
    offset(field) {
      const offset = offsets.get(field)
      if (offset === undefined) throw new RangeError(`the record has no field ${field}`)
      return offset
    },
  }
}

interface RecordOptions {
  readonly logSize?: number
  readonly words?: number
  readonly ranks?: number
  readonly like?: RecordShape
}

/** Bytes that a mask over the offsets of so many words lets through: a power of two. */
export const wordsRoom = (words: number): number => (words === 0 ? 0 : 8 * 2 ** Math.ceil(Math.log2(words)))

const bytesOf = (bits: number): number => Math.max(1, bits / 8)

/** How a field of so many bits is loaded; one of 128 is two u64. */
export const sizeOf = (bits: number): Size =>
  bits <= 8 ? 'u8' : bits <= 16 ? 'u16' : bits <= 32 ? 'u32' : 'u64'

/** Zeros the record r6 points to. */
export const clearRecord = ({ size }: RecordLayout): Instruction[] =>
  Array.from({ length: size / 8 }, (_, index) => storeImmediate('u64', r6, 8 * index, 0))
