// Keys of look-ups: exact values of fields as the record holds them, widest fields first so that each is aligned, and zeros up to a multiple of 8 bytes. Where look-ups
// share a map, the last two bytes of its keys say which of them a key is of:
//
//     field | field | … | zeros | u16 number

import type { Family } from 'iptables-parser'
import { lshImmediate, movImmediate, or } from '../asm/alu.ts'
import { load } from '../asm/memory.ts'
import { type Register, r6 } from '../asm/register.ts'
import { type FieldName, fieldOf } from '../field.ts'
import type { Point } from '../tree/interval.ts'
import type { Frame } from './frame.ts'
import { sizeOf } from './record.ts'

/** The place of a look-up among those that share its map. */
export interface SharedPlace {
  /** Which of them it is. */
  readonly number: number
  /** Bytes of a key. */
  readonly keySize: number
}

export interface KeyLayout {
  readonly offsets: ReadonlyMap<FieldName, number>
  /** Bytes, a multiple of 8. */
  readonly size: number
  /** What the last two bytes say where the map is shared. */
  readonly number?: number
}

const NUMBER_SIZE = 2

/** So many look-ups may share a map. */
export const MOST_NUMBERS = 2 ** (8 * NUMBER_SIZE)

/** Sizes of keys that look-ups of several shapes share maps by. A function takes five numbers of 8 bytes at most. */
const sharedSizes = [16, 32, 40] as const

const bytesOf = (field: FieldName, family: Family): number => Math.max(1, fieldOf(field).bits(family) / 8)

/** The size of the shared keys that have room for the fields; undefined where they are too many. */
export function sharedSize(names: readonly FieldName[], family: Family): number | undefined {
  const { end } = placeFields(names, family)
  return sharedSizes.find(size => end + NUMBER_SIZE <= size)
}

/** Where each field stands in the key. */
export function keyLayout(names: readonly FieldName[], family: Family, shared?: SharedPlace): KeyLayout {
  const { offsets, end } = placeFields(names, family)
  return shared
    ? { offsets, size: shared.keySize, number: shared.number }
    : { offsets, size: Math.ceil(end / 8) * 8 }
}

function placeFields(names: readonly FieldName[], family: Family) {
  const offsets = new Map<FieldName, number>()
  let end = 0
  for (const field of names.toSorted((a, b) => bytesOf(b, family) - bytesOf(a, family))) {
    offsets.set(field, end)
    end += bytesOf(field, family)
  }
  return { offsets, end }
}

/** The key for a value of each field. */
export function dispatchKey(
  names: readonly FieldName[],
  layout: KeyLayout,
  family: Family,
  values: readonly Point[],
): Uint8Array {
  const key = new DataView(new ArrayBuffer(layout.size))
  for (const [index, { to, bits }] of fieldParts(names, layout, family).entries())
    writeField(key, to, bits, values[index] ?? 0)
  if (layout.number !== undefined) writeNumber(key, layout.size, layout.number)
  return new Uint8Array(key.buffer)
}

/** The key of a look-up with a map of its own, as it is where the look-up shares one. */
export function keyIn(shared: SharedPlace | undefined, key: Uint8Array): Uint8Array {
  if (!shared) return key
  const own = new Uint8Array(shared.keySize)
  own.set(key)
  writeNumber(new DataView(own.buffer), shared.keySize, shared.number)
  return own
}

/** A field of a key: where it stands, and its size. */
export interface FieldPart {
  readonly field: FieldName
  readonly to: number
  readonly bits: number
}

export const fieldParts = (
  names: readonly FieldName[],
  { offsets }: KeyLayout,
  family: Family,
): readonly FieldPart[] =>
  names.map(field => ({ field, to: offsets.get(field) ?? 0, bits: fieldOf(field).bits(family) }))

/** As the record holds it: in the machine's byte order, which is little-endian wherever this runs. */
export function writeField(key: DataView, offset: number, bits: number, value: Point): void {
  if (bits <= 8) key.setUint8(offset, Number(value))
  else if (bits <= 16) key.setUint16(offset, Number(value), true)
  else if (bits <= 32) key.setUint32(offset, Number(value), true)
  else if (bits <= 64) key.setBigUint64(offset, BigInt(value), true)
  else {
    key.setBigUint64(offset, BigInt(value) >> 64n, true)
    key.setBigUint64(offset + 8, BigInt.asUintN(64, BigInt(value)), true)
  }
}

/** Into the last bytes of the key that ends there. */
export const writeNumber = (keys: DataView, end: number, number: number): void =>
  keys.setUint16(end - NUMBER_SIZE, number, true)

/** A part of a key: where it comes from in the record, in bytes, or what it is; where it goes, in bytes; and its bits. */
interface KeyPart {
  readonly of: { readonly from: number } | { readonly value: number }
  readonly to: number
  readonly bits: number
}

/** Of fields of 128 bits each half is a part. */
function keyParts({ family, record }: Frame, { offsets, size, number }: KeyLayout): KeyPart[] {
  const parts = [...offsets].flatMap(([field, to]): KeyPart[] => {
    const bits = fieldOf(field).bits(family)
    const halves = bits > 64 ? [0, 8] : [0]
    return halves.map(half => ({
      of: { from: record.offset(field) + half },
      to: to + half,
      bits: Math.min(bits, 64),
    }))
  })
  if (number !== undefined)
    parts.push({ of: { value: number }, to: size - NUMBER_SIZE, bits: 8 * NUMBER_SIZE })
  return parts
}

/** The words of 32 bits of a key that can be other than 0, in order. */
export function wordsUsed(frame: Frame, layout: KeyLayout): readonly number[] {
  const words = keyParts(frame, layout).flatMap(({ to, bits }) =>
    bits > 32 ? [to >> 2, (to >> 2) + 1] : [to >> 2],
  )
  return [...new Set(words)].sort((x, y) => x - y)
}

/** Makes the 8 bytes of a key from `word` on, byte for byte as they are in memory, in a register; destroys the other one. */
export function emitKeyWord(
  frame: Frame,
  layout: KeyLayout,
  word: number,
  [into, scratch]: readonly [Register, Register],
): void {
  const { assembler } = frame
  const inside = keyParts(frame, layout).filter(({ to }) => to >= word && to < word + 8)
  if (inside.length === 0) assembler.emit(movImmediate(into, 0))
  for (const [index, { of, to, bits }] of inside.entries()) {
    const part = index === 0 ? into : scratch
    assembler.emit('from' in of ? load(sizeOf(bits), part, r6, of.from) : movImmediate(part, of.value))
    if (to > word) assembler.emit(lshImmediate(part, 8 * (to - word)))
    if (index > 0) assembler.emit(or(into, scratch))
  }
}
