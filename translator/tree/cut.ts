// Where boxes fall apart best: along which axis, and at which of its segments.

import type { Space } from './space.ts'

/** Up to so many segments for each box, it is faster to count in all of them than to sort the boxes. */
const DENSE = 8

/** Up to so many numbers are sorted here: to call for it takes longer. */
const FEW = 24

/** So many axes are told by bits. */
const MOST_TOLD = 31

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
  #axis = -1
  #at = 0
  #cost = Number.POSITIVE_INFINITY
  #settled = 0

  constructor(space: Space) {
    this.#space = space
    this.#transport = wholeAxis(space)
    const others = [...space.axes.keys()].filter(axis => axis !== this.#transport)
    this.#order = this.#transport === undefined ? others : [this.#transport, ...others]
  }

  /** Of the cut found last, at which segment it is. */
  get at(): number {
    return this.#at
  }

  /** Beside those that were given, axes which were found to be settled: a bit for each along which all boxes cover all of the range, and so all of any part of it. */
  get settled(): number {
    return this.#settled
  }

  /**
   * The axis of the cut of least cost for the boxes from one place of a list on to another, within a box; -1 where none begins or ends inside.
   */
  find(ids: Int32Array, from: number, to: number, box: Int32Array, settled: number): number {
    this.#cost = Number.POSITIVE_INFINITY
    this.#axis = -1
    this.#settled = settled
    const boxes = to - from
    for (let index = 0; index < this.#order.length; index++) {
      const axis = this.#order[index] as number
      if (axis < MOST_TOLD && (settled >> axis) & 1) continue
      this.#along(axis, ids, from, to, box)
      if (this.#cost === Number.POSITIVE_INFINITY) continue
      // nearly all packets have a whole transport header, and rules ask no more of them, so those without come apart first
      if (axis === this.#transport && box[2 * axis] === 0) break
      // each box lies on a side, so no cut costs less than one through the middle
      if (2 * this.#cost <= boxes * boxes + 1) break
    }
    return this.#axis
  }

  #along(axis: number, ids: Int32Array, from: number, to: number, box: Int32Array): void {
    const low = box[2 * axis] as number
    const end = box[2 * axis + 1] as number
    if (end - low < 2) return
    const lows = this.#space.lows[axis] as Int32Array
    const ends = this.#space.ends[axis] as Int32Array
    if (this.#begins.length < to - from) {
      this.#begins = new Int32Array(2 * (to - from))
      this.#stops = new Int32Array(2 * (to - from))
    }
    const begins = this.#begins
    const stops = this.#stops
    const mostFree = this.#mostFree(to - from)
    let across = 0
    let free = 0
    for (let index = from; index < to; index++) {
      const id = ids[index] as number
      const begin = lows[id] as number
      const stop = ends[id] as number
      if (begin <= low && stop >= end) {
        if (++free > mostFree) return
        continue
      }
      begins[across] = begin < low ? low : begin
      stops[across++] = stop > end ? end : stop
    }
    if (across === 0) this.#settle(axis)
    else if (end - low <= DENSE * across) this.#count(axis, free, across, low, end)
    else this.#sort(axis, free, across, low, end)
  }

  #settle(axis: number): void {
    if (axis < MOST_TOLD) this.#settled |= 1 << axis
  }

  /** How many of so many boxes may cover all of a range where a cut along it costs less than the best so far: they lie on both sides of it, and each other on one. */
  #mostFree(boxes: number): number {
    return this.#axis < 0 ? boxes : Math.ceil(Math.sqrt(2 * this.#cost)) - boxes
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
    const begins = this.#begins
    const stops = this.#stops
    for (let i = 0; i < across; i++) {
      const from = (begins[i] as number) - low
      const to = (stops[i] as number) - low
      begun[from] = (begun[from] as number) + 1
      stopped[to] = (stopped[to] as number) + 1
    }
    let below = free + (begun[0] as number)
    let above = free + across
    // to go on costs more and more below
    for (let at = 1; at < segments && below * below < this.#cost; at++) {
      const begin = begun[at] as number
      const stop = stopped[at] as number
      if (begin === 0 && stop === 0) continue
      above -= stop
      this.#improve(axis, low + at, below, above)
      below += begin
    }
  }

  #sort(axis: number, free: number, across: number, low: number, end: number): void {
    const begins = sorted(this.#begins, across)
    const stops = sorted(this.#stops, across)
    let begun = 0
    let stopped = 0
    while (begun < across || stopped < across) {
      const begin = begun < across ? (begins[begun] as number) : end
      const stop = stopped < across ? (stops[stopped] as number) : end
      const at = begin < stop ? begin : stop
      while (stopped < across && (stops[stopped] as number) <= at) stopped++
      if (at > low && at < end) this.#improve(axis, at, begun + free, across - stopped + free)
      while (begun < across && (begins[begun] as number) <= at) begun++
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
      const number = numbers[next] as number
      let at = next
      for (; at > 0 && (numbers[at - 1] as number) > number; at--) numbers[at] = numbers[at - 1] as number
      numbers[at] = number
    }
  return numbers
}
