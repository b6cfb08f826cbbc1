// Writes the boxes of a space as words (word-box.ts) to the places in a map where leaves have them.

import type { Space } from './space.ts'
import {
  ANSWER_SIZE,
  boxSize,
  type Range,
  rangesSize,
  type Word,
  wideRanges,
  writeRanges,
} from './word-box.ts'

/** Where boxes go: for each place the box, and the offset. */
export interface Places {
  readonly ids: Int32Array
  readonly offsets: Int32Array
}

export class BoxWriter {
  /** Bytes of a box. */
  readonly size: number
  /** Where in a box they stand. */
  readonly answerOffset: number
  readonly positionOffset: number
  readonly #words: readonly Word[]
  readonly #space: Space
  /** Of each item. */
  readonly #answers: Uint32Array
  /** For each axis where its words begin. */
  readonly #wordOf: readonly number[]
  readonly #halved: readonly number[]

  constructor(space: Space, words: readonly Word[], answers: Uint32Array) {
    this.size = boxSize(words)
    this.answerOffset = this.size - ANSWER_SIZE
    this.positionOffset = this.answerOffset + 4
    this.#words = words
    this.#space = space
    this.#answers = answers
    this.#wordOf = space.axes.map(({ field }) => words.findIndex(word => word.field === field))
    this.#halved = [...space.axes.keys()].filter(axis => this.#isHalved(axis))
  }

  /** Bytes that a box of the space takes: it may become several, which stand one behind the other. */
  sizeOf(id: number): number {
    if (this.#halved.length === 0) return this.size
    return this.#halved.reduce((size, axis) => size * this.#alternatives(id, axis).length, this.size)
  }

  write(bytes: Uint8Array, places: Places): void {
    if (this.#halved.length > 0) return this.#writeParts(bytes, places)
    // a field after the other: loops over numbers are fast even in a process that has just begun
    for (const axis of this.#space.axes.keys()) this.#writeAxis(bytes, axis, places)
    this.#writeAnswers(bytes, places)
  }

  #writeAxis(bytes: Uint8Array, axis: number, places: Places): void {
    const { starts, end } = this.#space.axes[axis] ?? { starts: [], end: 0 }
    const from = rangesSize(this.#words.slice(0, this.#wordOf[axis]))
    if (!(starts instanceof Uint32Array)) return this.#writeWide(bytes, axis, from, places)
    const points = new Int32Array(starts.length + 1)
    points.set(new Int32Array(starts.buffer, starts.byteOffset, starts.length))
    points[starts.length] = Number(end)
    this.#writeNumbers(bytes, axis, from, places, points)
  }

  /** In words of 32 bits whose first is a sign: others would be objects until V8 has compiled this for good. What is written is the same. */
  #writeNumbers(
    { buffer }: Uint8Array,
    axis: number,
    from: number,
    { ids, offsets }: Places,
    points: Int32Array,
  ): void {
    const quads = new Int32Array(buffer)
    const [lows = none, ends = none] = [this.#space.lows[axis], this.#space.ends[axis]]
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at] as number
      const quad = ((offsets[at] as number) + from) >> 2
      const low = points[lows[id] as number] as number
      quads[quad] = low
      quads[quad + 1] = (points[ends[id] as number] as number) - low - 1
    }
  }

  /** A field of up to 64 bits whose values are bigints: of each the halves, as numbers. */
  #writeWide({ buffer }: Uint8Array, axis: number, from: number, { ids, offsets }: Places): void {
    const { starts, end } = this.#space.axes[axis] ?? { starts: [], end: 0 }
    const points = [...starts, end].map(BigInt)
    const low = Float64Array.from(points, point => Number(point & 0xffff_ffffn))
    const high = Float64Array.from(points, point => Number(point >> 32n))
    const quads = new Uint32Array(buffer)
    const [lows = none, ends = none] = [this.#space.lows[axis], this.#space.ends[axis]]
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at] ?? 0
      const first = lows[id] ?? 0
      const behind = ends[id] ?? 0
      const quad = ((offsets[at] ?? 0) + from) >> 2
      const span = (low[behind] ?? 0) - (low[first] ?? 0) - 1
      quads[quad] = low[first] ?? 0
      quads[quad + 1] = high[first] ?? 0
      quads[quad + 2] = span < 0 ? span + 2 ** 32 : span
      quads[quad + 3] = (high[behind] ?? 0) - (high[first] ?? 0) - (span < 0 ? 1 : 0)
    }
  }

  #writeAnswers({ buffer }: Uint8Array, { ids, offsets }: Places): void {
    const quads = new Uint32Array(buffer)
    const { itemOf } = this.#space
    for (let at = 0; at < ids.length; at++) {
      const position = itemOf[ids[at] ?? 0] ?? 0
      const quad = ((offsets[at] ?? 0) + this.answerOffset) >> 2
      quads[quad] = this.#answers[position] ?? 0
      quads[quad + 1] = position
    }
  }

  /** What boxes become is worked out once for each, and copied from there. */
  #writeParts(bytes: Uint8Array, { ids, offsets }: Places): void {
    const view = new DataView(bytes.buffer)
    const written = new Int32Array(this.#space.itemOf.length)
    for (const [at, id] of ids.entries()) {
      const offset = offsets[at] ?? 0
      const known = written[id] ?? 0
      if (known > 0) bytes.copyWithin(offset, known, known + this.sizeOf(id))
      else {
        this.#writeBox(view, offset, id)
        written[id] = offset
      }
    }
  }

  #writeBox(view: DataView, at: number, id: number): void {
    const position = this.#space.itemOf[id] ?? 0
    const answer = this.#answers[position] ?? 0
    for (const [index, part] of this.#parts(id).entries()) {
      const offset = at + index * this.size
      writeRanges(view, offset, this.#words, index => part.find(({ word }) => word === index))
      view.setUint32(offset + this.answerOffset, answer, true)
      view.setUint32(offset + this.positionOffset, position, true)
    }
  }

  #isHalved(axis: number): boolean {
    const word = this.#wordOf[axis] ?? 0
    return this.#words[word + 1]?.half === 1
  }

  #parts(id: number): readonly (readonly Range[])[] {
    let parts: (readonly Range[])[] = [[]]
    for (const axis of this.#space.axes.keys()) {
      const alternatives = this.#alternatives(id, axis)
      parts = parts.flatMap(part => alternatives.map(ranges => [...part, ...ranges]))
    }
    return parts
  }

  #alternatives(id: number, axis: number): readonly (readonly Range[])[] {
    const { low, behind } = this.#sides(id, axis)
    const word = this.#wordOf[axis] ?? 0
    return this.#isHalved(axis) ? wideRanges(word, low, behind - 1n) : [[{ word, low, high: behind - 1n }]]
  }

  /** Where along an axis a box begins, and what is behind it. */
  #sides(id: number, axis: number): { readonly low: bigint; readonly behind: bigint } {
    const { starts, end } = this.#space.axes[axis] ?? { starts: [], end: 0 }
    const [low, behind] = [this.#space.lows[axis]?.[id] ?? 0, this.#space.ends[axis]?.[id] ?? 0]
    return { low: BigInt(starts[low] ?? 0), behind: BigInt(starts[behind] ?? end) }
  }
}

const none = new Int32Array()
