// The space of fields, cut down to what a run of rules can tell apart: along each field the values between two neighbouring
// interval ends are one segment, so a box is a range of small numbers whatever the field's width. Boxes stand in columns,
// since a hundred thousand of them are gone through at every level of a tree.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { IntervalSet, Point } from './interval.ts'

/** Segments of a field: number i begins at starts[i]. */
export interface Axis {
  readonly field: FieldName
  readonly starts: readonly Point[]
  /** Behind the last. */
  readonly end: Point
  /** The number of the segment that begins at a point; that of the end is the number of segments. */
  readonly numbers: ReadonlyMap<Point, number>
}

/** Half-open ranges of segments, sorted and disjoint: low, end, low, end, … */
export type SegmentRanges = readonly number[]

/** The boxes of a run of items, in the order of the items. Where an item asks for several intervals it has several boxes. */
export interface Space {
  readonly axes: readonly Axis[]
  readonly items: readonly Item[]
  /** For each box its item, as an index. */
  readonly itemOf: Int32Array
  /** For each axis and box the first segment, and the first behind. */
  readonly lows: readonly Int32Array[]
  readonly ends: readonly Int32Array[]
  /** For each box whether all packets inside match its item: it has no questions beside it, and is not a hull. */
  readonly exact: Uint8Array
}

/** An item that would have more boxes gets a hull along some axes. */
const MOST_BOXES = 32

export function spaceOf(items: readonly Item[], family: Family): Space {
  const names = new Set<FieldName>()
  for (const { sets } of items) for (const name of sets.keys()) names.add(name)
  const axes = [...names].sort().map(field => axisOf(field, items, family))
  const columns = new BoxColumns(axes)
  for (const [index, item] of items.entries()) columns.add(item, index)
  return { axes, items, ...columns.finish() }
}

class BoxColumns {
  readonly #axes: readonly Axis[]
  readonly #items: number[] = []
  readonly #exact: number[] = []
  readonly #lows: number[][]
  readonly #ends: number[][]

  constructor(axes: readonly Axis[]) {
    this.#axes = axes
    this.#lows = axes.map(() => [])
    this.#ends = axes.map(() => [])
  }

  add(item: Item, index: number): void {
    if (isPlain(item)) return this.#addPlain(item, index)
    const ranges = this.#axes.map(axis => rangesOf(item, axis))
    const boxes = ranges.reduce((product, { length }) => (product * length) / 2, 1)
    const hulls = boxes > MOST_BOXES
    const exact = item.rest.length === 0 && !hulls
    const sides = hulls ? ranges.map(range => [range[0] ?? 0, range.at(-1) ?? 0]) : ranges
    this.#product(sides, [], index, exact ? 1 : 0)
  }

  /** Most items ask for one interval of each field. */
  #addPlain({ sets, rest }: Item, index: number): void {
    this.#items.push(index)
    this.#exact.push(rest.length === 0 ? 1 : 0)
    for (let at = 0; at < this.#axes.length; at++) {
      const axis = this.#axes[at]
      const only = axis && sets.get(axis.field)?.[0]
      this.#lows[at]?.push(only ? (axis.numbers.get(only.low) ?? 0) : 0)
      this.#ends[at]?.push((only && axis.numbers.get(only.end)) ?? axis?.starts.length ?? 0)
    }
  }

  /** One box for each way to take a range of every axis. */
  #product(sides: readonly SegmentRanges[], chosen: readonly number[], item: number, exact: number): void {
    const axis = chosen.length / 2
    const ranges = sides[axis]
    if (!ranges) return this.#push(chosen, item, exact)
    for (let i = 0; i < ranges.length; i += 2)
      this.#product(sides, [...chosen, ranges[i] ?? 0, ranges[i + 1] ?? 0], item, exact)
  }

  #push(box: readonly number[], item: number, exact: number): void {
    this.#items.push(item)
    this.#exact.push(exact)
    for (let axis = 0; axis < this.#axes.length; axis++) {
      this.#lows[axis]?.push(box[2 * axis] ?? 0)
      this.#ends[axis]?.push(box[2 * axis + 1] ?? 0)
    }
  }

  finish(): Pick<Space, 'itemOf' | 'lows' | 'ends' | 'exact'> {
    return {
      itemOf: Int32Array.from(this.#items),
      lows: this.#lows.map(low => Int32Array.from(low)),
      ends: this.#ends.map(end => Int32Array.from(end)),
      exact: Uint8Array.from(this.#exact),
    }
  }
}

function isPlain({ sets }: Item): boolean {
  for (const set of sets.values()) if (set.length !== 1) return false
  return true
}

function axisOf(field: FieldName, items: readonly Item[], family: Family): Axis {
  const { low, end } = domain(field, family)
  const points = new Set<Point>([low])
  for (const { sets } of items)
    for (const interval of sets.get(field) ?? []) {
      points.add(interval.low)
      if (interval.end < end) points.add(interval.end)
    }
  const starts = sorted(points)
  return { field, starts, end, numbers: new Map([...starts, end].map((point, index) => [point, index])) }
}

/** Points of one field are all numbers, which sort faster as doubles, or all bigints. */
function sorted(points: ReadonlySet<Point>): Point[] {
  const all = [...points]
  return all.every(point => typeof point === 'number')
    ? [...Float64Array.from(all).sort()]
    : all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The segments of an axis that an item is about. */
export function rangesOf({ sets }: Item, axis: Axis): SegmentRanges {
  const set = sets.get(axis.field)
  return set ? segmentsOf(set, axis) : [0, axis.starts.length]
}

/** What ends behind all values of the field ends with them: options take greater numbers than headers hold. */
const segmentsOf = (set: IntervalSet, { numbers, starts }: Axis): number[] =>
  set.flatMap(({ low, end }) => [numbers.get(low) ?? 0, numbers.get(end) ?? starts.length])
