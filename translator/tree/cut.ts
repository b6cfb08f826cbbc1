// Where boxes fall apart best: along which axis, and at which of its segments.

import type { Space } from './space.ts'

export interface Cut {
  readonly axis: number
  readonly at: number
}

/** Up to so many segments for each box, it is faster to count in all of them than to sort the boxes. */
const DENSE = 8

/** Up to so many numbers are sorted here: to call for it takes longer. */
const FEW = 24

/** Finds cuts; keeps the memory that finding one takes for the next. */
export class Cutter {
  readonly #space: Space
  /** The axis that is tried first, where rules ask for a whole transport header: the first segment along it. */
  readonly #transport: number | undefined
  /** The axes in the order they are tried. */
  readonly #order: readonly number[]
  /** Where boxes that lie across the range begin and end within it. */
  #begins = new Int32Array(64)
  #stops = new Int32Array(64)
  #begun = new Int32Array(64)
  #stopped = new Int32Array(64)
  /** The best cut so far; its cost is the sum of the squares of how many boxes lie on its sides. */
  #axis = 0
  #at = 0
  #cost = Number.POSITIVE_INFINITY

  constructor(space: Space) {
    this.#space = space
    this.#transport = wholeAxis(space)
    const others = [...space.axes.keys()].filter(axis => axis !== this.#transport)
    this.#order = this.#transport === undefined ? others : [this.#transport, ...others]
  }

  /** The cut of least cost for the boxes from one place of a list on to another, within a box; undefined where none begins or ends inside. */
  best(ids: Int32Array, from: number, to: number, box: Int32Array): Cut | undefined {
    this.#cost = Number.POSITIVE_INFINITY
    const boxes = to - from
    for (let index = 0; index < this.#order.length; index++) {
      const axis = this.#order[index] ?? 0
      this.#along(axis, ids, from, to, box)
      if (this.#cost === Number.POSITIVE_INFINITY) continue
      // nearly all packets have a whole transport header, and rules ask no more of them, so those without come apart first
      if (axis === this.#transport && box[2 * axis] === 0) break
      // each box lies on a side, so no cut costs less than one through the middle
      if (2 * this.#cost <= boxes * boxes + 1) break
    }
    return this.#cost === Number.POSITIVE_INFINITY ? undefined : { axis: this.#axis, at: this.#at }
  }

  #along(axis: number, ids: Int32Array, from: number, to: number, box: Int32Array): void {
    const lows = this.#space.lows[axis]
    const ends = this.#space.ends[axis]
    const low = box[2 * axis] ?? 0
    const end = box[2 * axis + 1] ?? 0
    if (!lows || !ends || end - low < 2) return
    if (this.#begins.length < to - from) {
      this.#begins = new Int32Array(2 * (to - from))
      this.#stops = new Int32Array(2 * (to - from))
    }
    const begins = this.#begins
    const stops = this.#stops
    let across = 0
    for (let index = from; index < to; index++) {
      const id = ids[index] ?? 0
      const begin = lows[id] ?? 0
      const stop = ends[id] ?? 0
      if (begin <= low && stop >= end) continue
      begins[across] = begin < low ? low : begin
      stops[across++] = stop > end ? end : stop
    }
    if (across === 0) return
    const free = to - from - across
    if (end - low <= DENSE * across) this.#count(axis, free, across, low, end)
    else this.#sort(axis, free, across, low, end)
  }

  /** `free` boxes cover all of the range, `across` do not. */
  #count(axis: number, free: number, across: number, low: number, end: number): void {
    const segments = end - low
    if (this.#begun.length <= segments) {
      this.#begun = new Int32Array(2 * segments)
      this.#stopped = new Int32Array(2 * segments)
    }
    const begun = this.#begun.fill(0, 0, segments + 1)
    const stopped = this.#stopped.fill(0, 0, segments + 1)
    for (let i = 0; i < across; i++) {
      const from = (this.#begins[i] ?? 0) - low
      const to = (this.#stops[i] ?? 0) - low
      begun[from] = (begun[from] ?? 0) + 1
      stopped[to] = (stopped[to] ?? 0) + 1
    }
    let below = free
    let above = free + across
    for (let at = 1; at < segments; at++) {
      below += begun[at - 1] ?? 0
      above -= stopped[at] ?? 0
      if (begun[at] || stopped[at]) this.#improve(axis, low + at, below, above)
    }
  }

  #sort(axis: number, free: number, across: number, low: number, end: number): void {
    const begins = sorted(this.#begins, across)
    const stops = sorted(this.#stops, across)
    let begun = 0
    let stopped = 0
    while (begun < across || stopped < across) {
      const begin = begun < across ? (begins[begun] ?? 0) : end
      const stop = stopped < across ? (stops[stopped] ?? 0) : end
      const at = begin < stop ? begin : stop
      while (stopped < across && (stops[stopped] ?? 0) <= at) stopped++
      if (at > low && at < end) this.#improve(axis, at, begun + free, across - stopped + free)
      while (begun < across && (begins[begun] ?? 0) <= at) begun++
    }
  }

  #improve(axis: number, at: number, below: number, above: number): void {
    const cost = below * below + above * above
    if (cost >= this.#cost) return
    this.#axis = axis
    this.#at = at
    this.#cost = cost
  }
}

/** Where a space has packets with a whole transport header apart, and others too: in that of a split there is only one kind. */
function wholeAxis({ axes, ends }: Space): number | undefined {
  const axis = axes.findIndex(({ field }) => field === 'transport')
  return ends[axis]?.includes(1) ? axis : undefined
}

/** The first `count` numbers, sorted in place. */
function sorted(numbers: Int32Array, count: number): Int32Array {
  if (count > FEW) numbers.subarray(0, count).sort()
  else
    for (let next = 1; next < count; next++) {
      const number = numbers[next] ?? 0
      let at = next
      for (; at > 0 && (numbers[at - 1] ?? 0) > number; at--) numbers[at] = numbers[at - 1] ?? 0
      numbers[at] = number
    }
  return numbers
}
