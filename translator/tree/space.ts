// The space of fields, cut down to what a run of rules can tell apart: along each field the values between two neighbouring
// interval ends are one segment, so a box is a range of small numbers whatever the field's width. Boxes stand in columns,
// since a hundred thousand of them are gone through at every level of a tree.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import { type Item, isFinal } from '../item.ts'
import { type Column, columnOf, type Segments } from './column.ts'
import type { Interval, IntervalSet, Point } from './interval.ts'
import { type PointColumn, segmentAt } from './point.ts'

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
  /** For each box along how many axes it is less than all there is; and INEXACT. */
  readonly less: Uint8Array
}

/** Packets may miss a box that is not exact wherever it is. There are far fewer fields. */
export const INEXACT = 1 << 7

/** An item that would have more boxes gets a hull along some axes. */
export const MOST_BOXES = 32

export function spaceOf(items: readonly Item[], family: Family): Space {
  const boxes = new Boxes(fieldsOf(items), family, items.length)
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    if (item) boxes.add(item, index)
  }
  return { items, ...boxes.finish() }
}

/** All fields that items ask about, in alphabetical order. There are few lists of them. */
function fieldsOf(items: readonly Item[]): readonly FieldName[] {
  const lists = new Set<readonly FieldName[]>()
  let last: readonly FieldName[] | undefined
  for (let at = 0; at < items.length; at++) {
    const { names } = FieldSets.of((items[at] as Item).sets)
    if (names !== last) lists.add(names)
    last = names
  }
  return [...new Set([...lists].flat())].sort()
}

/** Where the fields that items ask about stand among all of a space. */
class Places {
  readonly #fields: readonly FieldName[]
  readonly #known = new Map<readonly FieldName[], readonly number[]>()
  readonly #backwards = new Map<readonly FieldName[], readonly number[]>()
  /** Many ask about the same as the one before. */
  #lastNames: readonly FieldName[] | undefined
  #last: readonly number[] = []

  constructor(fields: readonly FieldName[]) {
    this.#fields = fields
  }

  of(names: readonly FieldName[]): readonly number[] {
    if (names !== this.#lastNames) {
      this.#last = this.#known.get(names) ?? this.#find(names)
      this.#lastNames = names
    }
    return this.#last
  }

  #find(names: readonly FieldName[]): readonly number[] {
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

class Boxes {
  readonly #fields: readonly FieldName[]
  readonly #domains: readonly Interval[]
  readonly #columns: readonly Column[]
  readonly #places: Places
  #count = 0
  #itemOf: Int32Array
  #exact: Uint8Array
  #closed: Uint8Array
  #less: Uint8Array

  constructor(fields: readonly FieldName[], family: Family, items: number) {
    this.#fields = fields
    this.#domains = fields.map(field => domain(field, family))
    this.#columns = this.#domains.map(whole => columnOf(whole, items))
    this.#places = new Places(fields)
    this.#itemOf = new Int32Array(items)
    this.#exact = new Uint8Array(items)
    this.#closed = new Uint8Array(items)
    this.#less = new Uint8Array(items)
  }

  add(item: Item, index: number): void {
    const sets = FieldSets.of(item.sets)
    const { boxes } = sets
    if (boxes === 1) this.#addOnly(item, index, sets)
    else if (boxes > MOST_BOXES) this.#addHull(item, index, sets)
    else for (let which = 0; which < boxes; which++) this.#addOneOf(item, index, sets, which)
  }

  /** Of one interval in each set. */
  #addOnly(item: Item, index: number, sets: FieldSets): void {
    const box = this.#push(item, index, true)
    const places = this.#places.of(sets.names)
    for (let at = 0; at < places.length; at++)
      this.#set(box, places[at] as number, sets.at(at)[0] as Interval)
  }

  /** One of the boxes that come of taking an interval of every set, those of the last field changing fastest. */
  #addOneOf(item: Item, index: number, sets: FieldSets, which: number): void {
    const box = this.#push(item, index, true)
    const places = this.#places.of(sets.names)
    let rest = which
    for (const at of this.#places.backwards(sets.names)) {
      const set = sets.at(at)
      const one = set[rest % set.length]
      rest = Math.floor(rest / set.length)
      if (one) this.#set(box, places[at] as number, one)
    }
  }

  /** One box around them all. */
  #addHull(item: Item, index: number, sets: FieldSets): void {
    const box = this.#push(item, index, false)
    for (const [at, place] of this.#places.of(sets.names).entries()) {
      const set = sets.at(at)
      const [first, last] = [set[0], set.at(-1)]
      if (!first || !last) continue
      this.#set(box, place, { low: first.low, end: last.end })
      for (const interval of set) this.#columns[place]?.cut(interval)
    }
  }

  #set(box: number, place: number, asked: Interval): void {
    const column = this.#columns[place] as Column
    if (column.set(box, asked)) this.#less[box] = (this.#less[box] as number) + 1
  }

  /** A box that takes all there is; its number. */
  #push(item: Item, index: number, whole: boolean): number {
    const box = this.#count++
    if (box >= this.#itemOf.length) this.#grow()
    const exact = whole && item.rest.length === 0
    this.#itemOf[box] = index
    this.#exact[box] = exact ? 1 : 0
    this.#closed[box] = exact && isFinal(item) ? 1 : 0
    this.#less[box] = exact ? 0 : INEXACT
    return box
  }

  #grow(): void {
    const boxes = 2 * this.#count
    this.#itemOf = longer(this.#itemOf, new Int32Array(boxes))
    this.#exact = longer(this.#exact, new Uint8Array(boxes))
    this.#closed = longer(this.#closed, new Uint8Array(boxes))
    this.#less = longer(this.#less, new Uint8Array(boxes))
    for (const column of this.#columns) column.grow(boxes)
  }

  finish(): Omit<Space, 'items'> {
    const count = this.#count
    const segments = this.#columns.map(column => column.segments(count))
    const axisOf = ({ starts }: Segments, at: number): Axis[] => {
      const [field, whole] = [this.#fields[at], this.#domains[at]]
      return field && whole ? [{ field, starts, end: whole.end }] : []
    }
    return {
      axes: segments.flatMap(axisOf),
      itemOf: this.#itemOf.subarray(0, count),
      lows: segments.map(({ lows }) => lows),
      ends: segments.map(({ ends }) => ends),
      exact: this.#exact.subarray(0, count),
      closed: this.#closed.subarray(0, count),
      less: this.#less.subarray(0, count),
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
