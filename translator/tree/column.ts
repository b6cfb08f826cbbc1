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

/** Fewer boxes than so many are numbered along with their points: a number holds 32 bits of a point exactly, and 21 behind them. */
const MOST_NUMBERED = 1 << 20
const PLACES = 2 * MOST_NUMBERED

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
    return boxes < MOST_NUMBERED ? this.#numbered(asked) : this.#searched(asked)
  }

  /** Each point goes with the place it is asked at, twice the box and one more for its end, so that once they are sorted each place is told its segment. */
  #numbered({ lows, ends }: Asked): Segments {
    const boxes = lows.length
    const points = this.#points({ lows, ends }).sort()
    const segments = { lows: new Int32Array(boxes), ends: new Int32Array(boxes).fill(-1) }
    const starts = new Uint32Array(points.length + 1)
    starts[0] = this.#low
    let count = 1
    for (let at = 0; at < points.length; at++) {
      const both = points[at] ?? 0
      const point = Math.floor(both / PLACES)
      const place = both - point * PLACES
      if (point !== starts[count - 1]) starts[count++] = point
      const into = (place & 1) === 0 ? segments.lows : segments.ends
      into[place >> 1] = count - 1
    }
    for (let box = 0; box < boxes; box++) {
      // what ends behind all values of the field ends with them: options take greater numbers than headers hold
      if (segments.ends[box] === -1) segments.ends[box] = count
      if ((lows[box] ?? 0) >= this.#end) segments.lows[box] = count
    }
    return { starts: starts.slice(0, count), ...segments }
  }

  /** Those at which boxes begin and end, but for the beginning and the end of the field, each with its place. Cuts have one that is no box's. */
  #points({ lows, ends }: Asked): Float64Array {
    const points = new Float64Array(2 * lows.length + this.#cuts.length)
    let count = 0
    for (let box = 0; box < lows.length; box++) {
      const low = lows[box] ?? 0
      const end = ends[box] ?? 0
      if (low > this.#low && low < this.#end) points[count++] = low * PLACES + 2 * box
      if (end < this.#end) points[count++] = end * PLACES + 2 * box + 1
    }
    for (const cut of this.#cuts) if (cut < this.#end) points[count++] = cut * PLACES + PLACES - 1
    return points.subarray(0, count)
  }

  #searched(asked: Asked): Segments {
    const boxes = asked.lows.length
    const starts = this.#sorted(asked)
    const [lows, ends] = [new Int32Array(boxes), new Int32Array(boxes)]
    for (let box = 0; box < boxes; box++) {
      const first = numberAt(starts, asked.lows[box] ?? 0, 0)
      const end = asked.ends[box] ?? 0
      lows[box] = first
      ends[box] = end >= this.#end ? starts.length : numberAt(starts, end, first + 1)
    }
    return { starts, lows, ends }
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
