// The transport header in two: packets that have all of it, and those that have not.

import type { Family } from 'iptables-parser'
import { domain, transport } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { HashIndex, mix, SEED, spread } from './hash-index.ts'
import { type Item, isFinal } from './item.ts'
import {
  complement,
  type Interval,
  type IntervalSet,
  intersect,
  isSame,
  type Point,
  single,
} from './tree/interval.ts'
import { ShapeMap } from './tree/shape.ts'

/** The items for packets with a whole transport header, and for all others. */
export const withinWhole = (items: readonly Item[]): Item[] => narrowed(items, single(transport.whole))
export const withinOdd = (items: readonly Item[], family: Family): Item[] =>
  narrowed(items, complement(single(transport.whole), domain('transport', family)))

/** The items that packets with such a transport header can match, with no question about it left where all of them do. */
function narrowed(items: readonly Item[], extents: IntervalSet): Item[] {
  const within = remembering(asked => intersect(asked, extents))
  const inside: Item[] = []
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    const sets = FieldSets.of(item.sets)
    const asked = sets.get('transport')
    const both = asked && within(asked)
    if (!both) inside.push(item)
    else if (isSame(both, extents)) inside.push(asking(item, sets.without('transport')))
    else if (isSame(both, asked)) inside.push(item)
    else if (both.length > 0) inside.push(asking(item, sets.with('transport', both)))
  }
  return inside
}

const asking = ({ rule, rest, outcome }: Item, sets: FieldSets): Item => ({ rule, sets, rest, outcome })

/** Many items ask for the same set. */
function remembering(find: (set: IntervalSet) => IntervalSet): (set: IntervalSet) => IntervalSet {
  const known = new Map<IntervalSet, IntervalSet>()
  return set => {
    const before = known.get(set)
    if (before) return before
    const found = find(set)
    known.set(set, found)
    return found
  }
}

/** With those that find packets malformed, where they stand one behind the other, in the order of what they ask: they drop in whatever order they are asked. */
export function gathered(items: readonly Item[]): Item[] {
  const order: Item[] = []
  let stretch: Item[] = []
  const flush = (): void => {
    for (const item of sortedByShape(stretch)) order.push(item)
    stretch = []
  }
  for (const item of items) {
    if (item.outcome.kind === 'hotdrop') stretch.push(item)
    else {
      flush()
      order.push(item)
    }
  }
  flush()
  return order
}

function sortedByShape(items: readonly Item[]): readonly Item[] {
  if (items.length < 2) return items
  const groups: Item[][] = []
  const shapes = new ShapeMap<Item[]>()
  const begin = (): Item[] => {
    const group: Item[] = []
    groups.push(group)
    return group
  }
  for (const item of items) shapes.of(item, begin).push(item)
  return groups.flat()
}

/** Without the items that ask the same as an earlier one which decides. */
export function unshadowed(items: readonly Item[]): readonly Item[] {
  const index = new HashIndex(items.length)
  const decided: FieldSets[] = []
  let sets = FieldSets.none
  const isThis = (known: number): boolean => asksSame(decided[known], sets)
  const isFirst = (item: Item): boolean => {
    if (item.rest.length > 0 || !isFinal(item)) return true
    sets = FieldSets.of(item.sets)
    if (index.add(hashOf(sets), isThis) < decided.length) return false
    decided.push(sets)
    return true
  }
  return items.filter(isFirst)
}

/** Whatever order the fields are asked in. */
function hashOf(sets: FieldSets): number {
  let hash = sets.size
  for (let at = 0; at < sets.size; at++) {
    const set = sets.at(at)
    let own = SEED
    for (let one = 0; one < set.length; one++) {
      const { low, end } = set[one] as Interval
      own = mixPoint(mixPoint(own, low), end)
    }
    hash = (hash + spread(own)) | 0
  }
  return spread(hash)
}

/** A point of 128 bits goes in by parts of 32: prefixes of one list have most of them in common. */
function mixPoint(hash: number, point: Point): number {
  if (typeof point === 'number') return mix(hash, point | 0)
  let mixed = hash
  for (let rest = point; rest > 0n; rest >>= 32n) mixed = mix(mixed, Number(rest & 0xffff_ffffn) | 0)
  return mixed
}

const asksSame = (a: FieldSets | undefined, b: FieldSets): boolean =>
  a?.size === b.size && a.names.every((name, at) => isSame(a.at(at), b.get(name)))
