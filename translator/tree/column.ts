// What boxes ask of one field, a box after another, until all are known and the values between two neighbouring ends become segments. It is gone
// through in loops over numbers, since a process that has just begun runs those fast first.

import type { Interval } from './interval.ts'
import { numberAt, type PointColumn, segmentAt } from './point.ts'

/** The segments of a field: where each begins; and for each box the first, and the first behind. */
export interface Segments {
  readonly starts: PointColumn
  readonly lows: Int32Array
  readonly ends: Int32Array
}

export interface Column {
  /** What a box asks; one of which nothing is said takes all there is. */
  set(box: number, asked: Interval): void
  /** Segments begin and end here too, though no box does. */
  cut(at: Interval): void
  /** Makes room for so many boxes. */
  grow(boxes: number): void
  /** The segments of so many boxes. */
  segments(boxes: number): Segments
}

/** A column of a field that has such values. */
export const columnOf = (domain: Interval, boxes: number): Column =>
  typeof domain.low === 'number' ? new NumberColumn(domain, boxes) : new WideColumn(domain)

/** Fields with at most so many values are counted through; the points of others are sorted and searched. */
const MOST_MARKED = 1 << 16
/** So are those of fields with more values than so many for each box: to count through the values of a port takes a process that has just begun two milliseconds. */
const MOST_FOR_BOX = 32

interface Asked {
  readonly lows: Float64Array
  readonly ends: Float64Array
}

class NumberColumn implements Column {
  readonly #low: number
  readonly #end: number
  readonly #cuts: number[] = []
  #lows: Float64Array
  #ends: Float64Array

  constructor({ low, end }: Interval, boxes: number) {
    this.#low = Number(low)
    this.#end = Number(end)
    this.#lows = new Float64Array(boxes).fill(this.#low)
    this.#ends = new Float64Array(boxes).fill(this.#end)
  }

  set(box: number, { low, end }: Interval): void {
    if (typeof low !== 'number' || typeof end !== 'number') return
    this.#lows[box] = low
    this.#ends[box] = end
  }

  cut({ low, end }: Interval): void {
    if (typeof low === 'number' && typeof end === 'number') this.#cuts.push(low, end)
  }

  grow(boxes: number): void {
    const { length } = this.#lows
    const [lows, ends] = [new Float64Array(boxes), new Float64Array(boxes)]
    lows.set(this.#lows)
    ends.set(this.#ends)
    this.#lows = lows.fill(this.#low, length)
    this.#ends = ends.fill(this.#end, length)
  }

  segments(boxes: number): Segments {
    const asked = { lows: this.#lows.subarray(0, boxes), ends: this.#ends.subarray(0, boxes) }
    const isMarked = this.#end <= Math.min(MOST_MARKED, MOST_FOR_BOX * boxes)
    const [starts, numbers] = isMarked ? this.#marked(asked) : [this.#sorted(asked), undefined]
    const [lows, ends] = [new Int32Array(boxes), new Int32Array(boxes)]
    for (let box = 0; box < boxes; box++) {
      const low = asked.lows[box] ?? 0
      const end = asked.ends[box] ?? 0
      const first = numbers ? (numbers[low] ?? starts.length) : numberAt(starts, low, 0)
      lows[box] = first
      // what ends behind all values of the field ends with them: options take greater numbers than headers hold
      if (end >= this.#end) ends[box] = starts.length
      else ends[box] = numbers ? (numbers[end] ?? 0) : numberAt(starts, end, first + 1)
    }
    return { starts, lows, ends }
  }

  /** The points in order; and for each value of the field, and for the first behind them, the number of the first point that is not less. */
  #marked({ lows, ends }: Asked): readonly [Uint32Array, Int32Array] {
    const numbers = new Int32Array(this.#end + 1)
    numbers[this.#low] = 1
    // greater values than there is room for are not kept
    for (const points of [lows, ends, this.#cuts])
      for (let at = 0; at < points.length; at++) numbers[points[at] ?? 0] = 1
    const starts = new Uint32Array(1 + 2 * lows.length + this.#cuts.length)
    let kept = 0
    for (let value = 0; value < this.#end; value++) {
      const isStart = numbers[value] === 1
      numbers[value] = kept
      if (isStart) starts[kept++] = value
    }
    numbers[this.#end] = kept
    return [starts.slice(0, kept), numbers]
  }

  #sorted({ lows, ends }: Asked): Uint32Array {
    const points = new Uint32Array(1 + 2 * lows.length + this.#cuts.length)
    points[0] = this.#low
    let count = 1
    for (const some of [lows, ends, this.#cuts])
      for (let at = 0; at < some.length; at++) {
        const point = some[at] ?? 0
        // of two rules one behind the other one may ask what the other does
        if (point < this.#end && point !== points[count - 1]) points[count++] = point
      }
    const sorted = points.subarray(0, count).sort()
    let kept = 1
    for (let at = 1; at < count; at++) if (sorted[at] !== sorted[kept - 1]) sorted[kept++] = sorted[at] ?? 0
    return sorted.slice(0, kept)
  }
}

/** Of a field whose values are bigints. */
class WideColumn implements Column {
  readonly #domain: Interval
  readonly #points: bigint[]
  readonly #asked: (Interval | undefined)[] = []

  constructor(domain: Interval) {
    this.#domain = domain
    this.#points = [BigInt(domain.low)]
  }

  set(box: number, asked: Interval): void {
    this.#asked[box] = asked
    this.cut(asked)
  }

  cut({ low, end }: Interval): void {
    for (const point of [low, end])
      if (typeof point === 'bigint' && point < this.#domain.end) this.#points.push(point)
  }

  grow(): void {}

  segments(boxes: number): Segments {
    const sorted = this.#points.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const starts = sorted.filter((point, at) => at === 0 || point !== sorted[at - 1])
    const [lows, ends] = [new Int32Array(boxes), new Int32Array(boxes).fill(starts.length)]
    for (let box = 0; box < boxes; box++) {
      const asked = this.#asked[box]
      if (!asked) continue
      const low = segmentAt(starts, asked.low)
      lows[box] = low
      ends[box] = segmentAt(starts, asked.end, low + 1)
    }
    return { starts, lows, ends }
  }
}
