// Boxes in terms of words of 64 bits, as code compares them. An interval of a wide field may take three of them: between the ends every low
// half is inside, at the ends only some are.

import type { Family } from 'iptables-parser'
import { type FieldName, fieldOf } from '../field.ts'
import type { Item } from '../item.ts'
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
export function wordsOf({ axes }: Pick<Space, 'axes'>, family: Family): readonly Word[] {
  const words = axes.flatMap(({ field }): Word[] => {
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

const ANSWER_SIZE = 8

const rangesSize = (words: readonly Word[]): number => words.reduce((size, { bits }) => size + bits / 4, 0)

/** Values of one word, both ends included. */
interface Range {
  readonly word: number
  readonly low: Point
  readonly high: Point
}

const HALF = 0xffff_ffff_ffff_ffffn

/** An interval of a field of 128 bits, its high half in one word and its low half in the next. */
function wideRanges(word: number, first: bigint, last: bigint): readonly (readonly Range[])[] {
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
    most *= lows[axis]?.reduce((least, low, box) => Math.max(least, parts(low, box)), 1) ?? 1
  }
  return most
}

/** The boxes of a space in words; a box may become several, which stand one behind the other. */
export class WordBoxes {
  /** Bytes of one. */
  readonly size: number
  /** Where in a box they stand. */
  readonly answerOffset: number
  readonly positionOffset: number
  readonly #words: readonly Word[]
  readonly #space: Space
  readonly #answer: (item: Item) => number
  /** For each axis where its words begin. */
  readonly #wordOf: readonly number[]
  readonly #halved: readonly number[]
  /** For each axis where in a box its first word stands, and whether that takes 64 bits. */
  readonly #offsetOf: readonly number[]
  readonly #isWide: readonly boolean[]
  /** For each box of the space the offset behind where it was first written. */
  readonly #written: Int32Array
  /** All that is written into, four bytes at a time. */
  #quads: Int32Array = new Int32Array()

  constructor(space: Space, words: readonly Word[], answer: (item: Item) => number) {
    this.size = boxSize(words)
    this.answerOffset = this.size - ANSWER_SIZE
    this.positionOffset = this.answerOffset + 4
    this.#words = words
    this.#space = space
    this.#answer = answer
    this.#wordOf = space.axes.map(({ field }) => words.findIndex(word => word.field === field))
    this.#halved = [...space.axes.keys()].filter(axis => this.#isHalved(axis))
    this.#offsetOf = this.#wordOf.map(word =>
      words.slice(0, word).reduce((size, { bits }) => size + bits / 4, 0),
    )
    this.#isWide = this.#wordOf.map(word => words[word]?.bits === 64)
    this.#written = new Int32Array(space.itemOf.length)
  }

  /** How many a box becomes. */
  count(id: number): number {
    if (this.#halved.length === 0) return 1
    return this.#halved.reduce((count, axis) => count * this.#alternatives(id, axis).length, 1)
  }

  /** Writes the boxes of a leaf from an offset on. */
  write(view: DataView, at: number, ids: Int32Array): void {
    let end = at
    for (const id of ids) end = this.#writeBox(view, end, id)
    const last = end - this.size + this.positionOffset
    if (end > at) view.setUint32(last, view.getUint32(last, true) + LAST, true)
  }

  /** Writes a box, or copies it from where it was written first; the offset behind it. */
  #writeBox(view: DataView, at: number, id: number): number {
    const position = this.#space.itemOf[id] ?? 0
    const known = this.#written[id] ?? 0
    if (known === 0) {
      const end = this.#halved.length === 0 ? this.#writeWhole(view, at, id) : this.#writeParts(view, at, id)
      const item = this.#space.items[position]
      const said = item ? this.#answer(item) : 0
      for (let offset = at; offset < end; offset += this.size) {
        view.setUint32(offset + this.answerOffset, said, true)
        view.setUint32(offset + this.positionOffset, position, true)
      }
      this.#written[id] = end
      return end
    }
    const length = this.count(id) * this.size
    this.#copy(view, at, known - length, length)
    // there it may have been the last of its leaf
    view.setUint32(at + length - this.size + this.positionOffset, position, true)
    return at + length
  }

  /** A few words, faster than a call for them; boxes are multiples of 8 bytes, and so is what stands before them. */
  #copy({ buffer }: DataView, to: number, from: number, length: number): void {
    if (this.#quads.buffer !== buffer) this.#quads = new Int32Array(buffer, 0, buffer.byteLength >> 2)
    const quads = this.#quads
    const end = (from + length) >> 2
    for (let at = from >> 2, into = to >> 2; at < end; at++, into++) quads[into] = quads[at] ?? 0
  }

  /** Where no field takes two words, a box stays one, and its sides go where they belong. */
  #writeWhole(view: DataView, at: number, id: number): number {
    const { axes, lows, ends } = this.#space
    for (let axis = 0; axis < axes.length; axis++) {
      const { starts = [], end = 0 } = axes[axis] ?? {}
      const low = starts[lows[axis]?.[id] ?? 0] ?? 0
      const behind = starts[ends[axis]?.[id] ?? 0] ?? end
      const offset = at + (this.#offsetOf[axis] ?? 0)
      if (this.#isWide[axis]) {
        view.setBigUint64(offset, BigInt(low), true)
        view.setBigUint64(offset + 8, BigInt(behind) - BigInt(low) - 1n, true)
      } else {
        view.setUint32(offset, Number(low), true)
        view.setUint32(offset + 4, Number(behind) - Number(low) - 1, true)
      }
    }
    return at + this.size
  }

  #writeParts(view: DataView, at: number, id: number): number {
    let offset = at
    for (const part of this.#parts(id)) {
      this.#writePart(view, offset, part)
      offset += this.size
    }
    return offset
  }

  #writePart(view: DataView, at: number, part: readonly Range[]): void {
    let offset = at
    for (const [index, { bits }] of this.#words.entries()) {
      const { low, high } = part.find(({ word }) => word === index) ?? { low: 0, high: 0 }
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

  #isHalved(axis: number): boolean {
    const word = this.#wordOf[axis] ?? 0
    return this.#words[word + 1]?.half === 1
  }

  #parts(id: number): readonly (readonly Range[])[] {
    let parts: (readonly Range[])[] = [[]]
    for (let axis = 0; axis < this.#space.axes.length; axis++) {
      const alternatives = this.#alternatives(id, axis)
      parts = parts.flatMap(part => alternatives.map(ranges => [...part, ...ranges]))
    }
    return parts
  }

  #alternatives(id: number, axis: number): readonly (readonly Range[])[] {
    const { axes, lows, ends } = this.#space
    const { starts = [], end = 0 } = axes[axis] ?? {}
    const low = starts[lows[axis]?.[id] ?? 0] ?? 0
    const behind = starts[ends[axis]?.[id] ?? 0] ?? end
    const word = this.#wordOf[axis] ?? 0
    if (typeof low === 'number') return [[{ word, low, high: Number(behind) - 1 }]]
    const high = BigInt(behind) - 1n
    return this.#isHalved(axis) ? wideRanges(word, low, high) : [[{ word, low, high }]]
  }
}
