// The space of fields, cut down to what a run of rules can tell apart: along each field the values between two neighbouring
// interval ends are one segment, so a box is a range of small numbers whatever the field's width. Boxes stand in columns,
// since a hundred thousand of them are gone through at every level of a tree.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import { type Item, isFinal } from '../item.ts'
import type { IntervalSet, Point } from './interval.ts'
import { type PointColumn, PointList, segmentAt } from './point.ts'

/** Segments of a field: number i begins at starts[i]. */
export interface Axis {
  readonly field: FieldName
  readonly starts: PointColumn
  /** Behind the last. */
  readonly end: Point
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
  /** For each box whether it is exact, and a packet inside goes no further. */
  readonly closed: Uint8Array
}

/** An item that would have more boxes gets a hull along some axes. */
const MOST_BOXES = 32

export function spaceOf(items: readonly Item[], family: Family): Space {
  const fields = fieldsOf(items)
  const axes = axesOf(fields, items, family)
  const columns = new BoxColumns(axes, items.length)
  for (const [index, item] of items.entries()) columns.add(item, index)
  return { axes, items, ...columns.finish() }
}

/** All fields that items ask about, in alphabetical order. There are few lists of them. */
function fieldsOf(items: readonly Item[]): readonly FieldName[] {
  const lists = new Set<readonly FieldName[]>()
  for (const { sets } of items) lists.add(FieldSets.of(sets).names)
  return [...new Set([...lists].flat())].sort()
}

function axesOf(fields: readonly FieldName[], items: readonly Item[], family: Family): readonly Axis[] {
  const domains = fields.map(field => domain(field, family))
  const lists = domains.map(({ low }) => new PointList(low))
  const places = new Places(fields)
  for (const item of items) {
    const sets = FieldSets.of(item.sets)
    const own = places.of(sets.names)
    for (let at = 0; at < own.length; at++) {
      const place = own[at] ?? 0
      const list = lists[place]
      const end = domains[place]?.end ?? 0
      for (const interval of sets.at(at)) {
        list?.add(interval.low)
        if (interval.end < end) list?.add(interval.end)
      }
    }
  }
  return fields.map((field, place) => ({
    field,
    starts: lists[place]?.sorted() ?? [],
    end: domains[place]?.end ?? 0,
  }))
}

/** Where the fields that items ask about stand among all of a space. */
class Places {
  readonly #fields: readonly FieldName[]
  readonly #known = new Map<readonly FieldName[], readonly number[]>()
  readonly #backwards = new Map<readonly FieldName[], readonly number[]>()

  constructor(fields: readonly FieldName[]) {
    this.#fields = fields
  }

  of(names: readonly FieldName[]): readonly number[] {
    const known = this.#known.get(names)
    if (known) return known
    const places = names.map(name => this.#fields.indexOf(name))
    this.#known.set(names, places)
    return places
  }

  /** The indexes of fields by their places, the last first. */
  backwards(names: readonly FieldName[]): readonly number[] {
    const known = this.#backwards.get(names)
    if (known) return known
    const places = this.of(names)
    const order = [...places.keys()].sort((a, b) => (places[b] ?? 0) - (places[a] ?? 0))
    this.#backwards.set(names, order)
    return order
  }
}

class BoxColumns {
  readonly #axes: readonly Axis[]
  readonly #places: Places
  #count = 0
  #itemOf: Int32Array
  #exact: Uint8Array
  #closed: Uint8Array
  #lows: readonly Int32Array[]
  #ends: readonly Int32Array[]

  constructor(axes: readonly Axis[], boxes: number) {
    this.#axes = axes
    this.#places = new Places(axes.map(({ field }) => field))
    this.#itemOf = new Int32Array(boxes)
    this.#exact = new Uint8Array(boxes)
    this.#closed = new Uint8Array(boxes)
    this.#lows = axes.map(() => new Int32Array(boxes))
    this.#ends = axes.map(() => new Int32Array(boxes))
  }

  add(item: Item, index: number): void {
    const sets = FieldSets.of(item.sets)
    let boxes = 1
    for (let at = 0; at < sets.size; at++) boxes *= sets.at(at).length
    const hull = boxes > MOST_BOXES
    for (let which = 0; which < (hull ? 1 : boxes); which++) this.#addBox(item, index, which, hull)
  }

  /** One of the boxes that come of taking an interval of every set, those of the last field changing fastest; or one around them all. */
  #addBox(item: Item, index: number, which: number, hull: boolean): void {
    const box = this.#push(item, index, hull)
    const sets = FieldSets.of(item.sets)
    const places = this.#places.of(sets.names)
    let rest = which
    for (const at of this.#places.backwards(sets.names)) {
      const set = sets.at(at)
      const place = places[at] ?? 0
      const starts = this.#axes[place]?.starts
      const from = set[hull ? 0 : rest % set.length]
      const to = hull ? set.at(-1) : from
      rest = Math.floor(rest / set.length)
      if (!starts || !from || !to) continue
      const low = segmentAt(starts, from.low)
      this.#setRange(place, box, low, segmentAt(starts, to.end, low + 1))
    }
  }

  /** A box that takes all there is; its number. */
  #push(item: Item, index: number, hull: boolean): number {
    const box = this.#count++
    if (box >= this.#itemOf.length) this.#grow()
    const exact = item.rest.length === 0 && !hull
    this.#itemOf[box] = index
    this.#exact[box] = exact ? 1 : 0
    this.#closed[box] = exact && isFinal(item) ? 1 : 0
    for (let axis = 0; axis < this.#axes.length; axis++)
      this.#setRange(axis, box, 0, this.#axes[axis]?.starts.length ?? 0)
    return box
  }

  #setRange(axis: number, box: number, low: number, end: number): void {
    const lows = this.#lows[axis]
    const ends = this.#ends[axis]
    if (!lows || !ends) return
    lows[box] = low
    ends[box] = end
  }

  #grow(): void {
    const boxes = 2 * this.#count
    this.#itemOf = longer(this.#itemOf, new Int32Array(boxes))
    this.#exact = longer(this.#exact, new Uint8Array(boxes))
    this.#closed = longer(this.#closed, new Uint8Array(boxes))
    this.#lows = this.#lows.map(lows => longer(lows, new Int32Array(boxes)))
    this.#ends = this.#ends.map(ends => longer(ends, new Int32Array(boxes)))
  }

  finish(): Pick<Space, 'itemOf' | 'lows' | 'ends' | 'exact' | 'closed'> {
    const count = this.#count
    return {
      itemOf: this.#itemOf.subarray(0, count),
      lows: this.#lows.map(lows => lows.subarray(0, count)),
      ends: this.#ends.map(ends => ends.subarray(0, count)),
      exact: this.#exact.subarray(0, count),
      closed: this.#closed.subarray(0, count),
    }
  }
}

function longer<T extends Int32Array | Uint8Array>(column: T, room: T): T {
  room.set(column)
  return room
}

/** The segments of an axis that an item is about. */
export function rangesOf({ sets }: Item, axis: Axis): SegmentRanges {
  const set = sets.get(axis.field)
  return set ? segmentsOf(set, axis) : [0, axis.starts.length]
}

/** What ends behind all values of the field ends with them: options take greater numbers than headers hold. */
const segmentsOf = (set: IntervalSet, { starts }: Axis): number[] =>
  set.flatMap(({ low, end }) => [segmentAt(starts, low), segmentAt(starts, end)])
