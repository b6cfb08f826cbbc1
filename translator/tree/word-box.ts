// Boxes in terms of words of 64 bits, as code compares them. An interval of a wide field may take three of them: between the ends every low
// half is inside, at the ends only some are.

import type { Family } from 'iptables-parser'
import { type FieldName, fieldOf } from '../field.ts'
import type { Point } from './interval.ts'
import type { Space } from './space.ts'

/** A word that boxes are compared in: a field, or a half of one. */
export interface Word {
  readonly field: FieldName
  /** 0: the field, or its high half; 1: its low half. */
  readonly half: 0 | 1
  /** Bits that a comparison takes. */
  readonly bits: 32 | 64
}

/** The words that the boxes of a space are compared in, the wide ones first. */
export const wordsOf = ({ axes }: Pick<Space, 'axes'>, family: Family): readonly Word[] =>
  wordsOfFields(
    axes.map(({ field }) => field),
    family,
  )

/** The same of a space that has these fields. */
export function wordsOfFields(fields: readonly FieldName[], family: Family): readonly Word[] {
  const words = fields.flatMap((field): Word[] => {
    const bits = fieldOf(field).bits(family)
    if (bits <= 32) return [{ field, half: 0, bits: 32 }]
    const halves: readonly (0 | 1)[] = bits > 64 ? [0, 1] : [0]
    return halves.map(half => ({ field, half, bits: 64 }))
  })
  return words.sort((a, b) => b.bits - a.bits)
}

/** Bytes of a box: low and span of each word, an answer and a position. */
export const boxSize = (words: readonly Word[]): number => ANSWER_SIZE + Math.ceil(rangesSize(words) / 8) * 8

/** Set in the position of the last box of a leaf. */
export const LAST = 0x8000_0000

/** Of the answer and the position, which stand last. */
export const ANSWER_SIZE = 8

/** Bytes of the ranges of some words. */
export const rangesSize = (words: readonly Word[]): number =>
  words.reduce((size, { bits }) => size + bits / 4, 0)

/** Values of one word, both ends included. */
export interface Range {
  readonly word: number
  readonly low: Point
  readonly high: Point
}

/** Writes the low and the span of each word, from an offset on. */
export function writeRanges(
  view: DataView,
  at: number,
  words: readonly Word[],
  rangeOf: (word: number) => Pick<Range, 'low' | 'high'> | undefined,
): void {
  let offset = at
  for (const [word, { bits }] of words.entries()) {
    const { low, high } = rangeOf(word) ?? { low: 0, high: 0 }
    if (bits === 64) {
      view.setBigUint64(offset, BigInt(low), true)
      view.setBigUint64(offset + 8, BigInt(high) - BigInt(low), true)
    } else {
      view.setUint32(offset, Number(low), true)
      view.setUint32(offset + 4, Number(high) - Number(low), true)
    }
    offset += bits / 4
  }
}

const HALF = 0xffff_ffff_ffff_ffffn

/** An interval of a field of 128 bits, its high half in one word and its low half in the next. */
export function wideRanges(word: number, first: bigint, last: bigint): readonly (readonly Range[])[] {
  const [high, low] = [first >> 64n, first & HALF]
  const [lastHigh, lastLow] = [last >> 64n, last & HALF]
  const ranges = (from: bigint, to: bigint, least: bigint, most: bigint): readonly Range[] => [
    { word, low: from, high: to },
    { word: word + 1, low: least, high: most },
  ]
  if (high === lastHigh) return [ranges(high, high, low, lastLow)]
  const [from, to] = [low === 0n ? high : high + 1n, lastLow === HALF ? lastHigh : lastHigh - 1n]
  return [
    ...(from > high ? [ranges(high, high, low, HALF)] : []),
    ...(from <= to ? [ranges(from, to, 0n, HALF)] : []),
    ...(to < lastHigh ? [ranges(lastHigh, lastHigh, 0n, lastLow)] : []),
  ]
}

/** As many boxes as one of a space may come to: each interval of a wide field is up to three, but a prefix is one. */
export function mostParts({ axes, lows, ends }: Space, family: Family): number {
  let most = 1
  for (const [axis, { field, starts, end }] of axes.entries()) {
    if (fieldOf(field).bits(family) <= 64) continue
    const parts = (low: number, box: number): number =>
      wideRanges(0, BigInt(starts[low] ?? 0), BigInt(starts[ends[axis]?.[box] ?? 0] ?? end) - 1n).length
    most *= lows[axis]?.reduce((largest, low, box) => Math.max(largest, parts(low, box)), 1) ?? 1
  }
  return most
}
