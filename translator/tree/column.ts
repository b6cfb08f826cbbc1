// What boxes ask of one field, a box after another, until all are known and the values between two neighbouring ends become segments. It is gone
// through in loops over numbers, since a process that has just begun runs those fast first.

import type { Interval } from './interval.ts'
import { type PointColumn, segmentAt } from './point.ts'

/** The segments of a field: where each begins; and for each box the first, and the first behind. */
export interface Segments {
  readonly starts: PointColumn
  readonly lows: Int32Array
  readonly ends: Int32Array
}

export interface Column {
  /** What a box asks; one of which nothing is said takes all there is. Whether that is less than all. */
  set(box: number, asked: Interval): boolean
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

/** What a box asks, as bits: its low is a point of its own, so is its end, and it is behind all values of the field. Of most fields most boxes ask nothing. */
const BEGINS = 1
const ENDS = 2
const BEHIND = 4

/** A point is sorted along with the place it is asked at: twice the box and one more for its end. So many bits hold that. */
const PLACE_BITS = 26
const PLACE = 2 ** PLACE_BITS - 1
/** Of a place of no box. */
const NOWHERE = PLACE

/**
 * Numbers stand in words of 32 bits and are worked on as such: until V8 has compiled a loop for good, each number beyond 31 bits would be an object. Two are sorted
 * as one word of 64 bits, which takes half the time of sorting numbers with a fraction.
 */
class NumberColumn implements Column {
  readonly #low: number
  readonly #end: number
  readonly #cuts: number[] = []
  #asked: Uint8Array
  #lows: Int32Array
  #ends: Int32Array

  constructor({ low, end }: Interval, boxes: number) {
    this.#low = Number(low)
    this.#end = Number(end)
    this.#asked = new Uint8Array(boxes)
    this.#lows = new Int32Array(boxes)
    this.#ends = new Int32Array(boxes)
  }

  set(box: number, { low, end }: Interval): boolean {
    if (typeof low !== 'number' || typeof end !== 'number') return false
    let asked = 0
    if (low >= this.#end) asked = BEHIND
    else if (low > this.#low) {
      asked = BEGINS
      this.#lows[box] = low
    }
    // what ends behind all values of the field ends with them: options take greater numbers than headers hold
    if (end < this.#end) {
      asked |= ENDS
      this.#ends[box] = end
    }
    this.#asked[box] = asked
    return asked !== 0
  }

  cut({ low, end }: Interval): void {
    if (typeof low !== 'number' || typeof end !== 'number') return
    if (low < this.#end) this.#cuts.push(low)
    if (end < this.#end) this.#cuts.push(end)
  }

  grow(boxes: number): void {
    this.#asked = longer(this.#asked, new Uint8Array(boxes))
    this.#lows = longer(this.#lows, new Int32Array(boxes))
    this.#ends = longer(this.#ends, new Int32Array(boxes))
  }

  /** Once the points are sorted each place is told its segment. */
  segments(boxes: number): Segments {
    const points = this.#points(boxes)
    const count = points.length
    const words = new Int32Array(points.sort().buffer)
    const segments = { lows: new Int32Array(boxes), ends: new Int32Array(boxes) }
    const starts = new Uint32Array(count + 1)
    let last = this.#low | 0
    starts[0] = last
    let number = 0
    for (let at = 0; at < count; at++) {
      const word = words[2 * at] as number
      const point = ((words[2 * at + 1] as number) << (32 - PLACE_BITS)) | (word >>> PLACE_BITS)
      if (point !== last) {
        last = point
        starts[++number] = point
      }
      const place = word & PLACE
      if (place === NOWHERE) continue
      if ((place & 1) === 0) segments.lows[place >> 1] = number
      else segments.ends[place >> 1] = number
    }
    this.#fill(segments, number + 1)
    return { starts: starts.slice(0, number + 1), ...segments }
  }

  /** Sides that are no points of their own. */
  #fill({ lows, ends }: Pick<Segments, 'lows' | 'ends'>, segments: number): void {
    const asked = this.#asked
    for (let box = 0; box < ends.length; box++) {
      const own = asked[box] as number
      if ((own & ENDS) === 0) ends[box] = segments
      if ((own & BEHIND) !== 0) lows[box] = segments
    }
  }

  /** Those at which boxes begin and end, but for the beginning and the end of the field, each with its place. */
  #points(boxes: number): BigUint64Array {
    const words = new Int32Array(4 * boxes + 2 * this.#cuts.length)
    const [asked, lows, ends] = [this.#asked, this.#lows, this.#ends]
    let count = 0
    for (let box = 0; box < boxes; box++) {
      const own = asked[box] as number
      if ((own & BEGINS) !== 0) {
        const low = lows[box] as number
        words[count++] = (low << PLACE_BITS) | (2 * box)
        words[count++] = low >>> (32 - PLACE_BITS)
      }
      if ((own & ENDS) !== 0) {
        const end = ends[box] as number
        words[count++] = (end << PLACE_BITS) | (2 * box + 1)
        words[count++] = end >>> (32 - PLACE_BITS)
      }
    }
    for (const cut of this.#cuts) {
      words[count++] = (cut << PLACE_BITS) | NOWHERE
      words[count++] = cut >>> (32 - PLACE_BITS)
    }
    return new BigUint64Array(words.buffer, 0, count >> 1)
  }
}

function longer<T extends Int32Array | Uint8Array>(column: T, room: T): T {
  room.set(column)
  return room
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

  set(box: number, asked: Interval): boolean {
    this.#asked[box] = asked
    this.cut(asked)
    return asked.low > this.#domain.low || asked.end < this.#domain.end
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
