// The transport header in two: packets that have all of it, and those that have not.

import type { Family } from 'iptables-parser'
import { domain, transport } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { type Item, isFinal } from './item.ts'
import { isSingle } from './tree/dispatch.ts'
import { complement, type IntervalSet, intersect, isSame, single } from './tree/interval.ts'

/** The items for packets with a whole transport header, and for all others. */
export const withinWhole = (items: readonly Item[]): Item[] => within(items, single(transport.whole))
export const withinOdd = (items: readonly Item[], family: Family): Item[] =>
  within(items, complement(single(transport.whole), domain('transport', family)))

/** The items that packets with such a transport header can match, with no question about it left where all of them do. */
function within(items: readonly Item[], extents: IntervalSet): Item[] {
  return items.flatMap(item => {
    const asked = item.sets.get('transport')
    if (!asked) return [item]
    const both = intersect(asked, extents)
    if (both.length === 0) return []
    const others = FieldSets.of(item.sets).without('transport')
    return [{ ...item, sets: isSame(both, extents) ? others : others.with('transport', both) }]
  })
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
  const shapes = new Map<string, Item[]>()
  for (const item of items) {
    const shape = [...item.sets].map(([field, set]) => `${field} ${isSingle(set)}`).join()
    const same = shapes.get(shape)
    if (same) same.push(item)
    else shapes.set(shape, [item])
  }
  return [...shapes.values()].flat()
}

/** Without the items that ask the same as an earlier one which decides: rules that differ in their ports find the same packets malformed. */
export function unshadowed(items: readonly Item[]): readonly Item[] {
  const decided = new Set<string>()
  return items.filter(item => {
    if (item.rest.length > 0 || !isFinal(item)) return true
    const asked = [...item.sets].map(
      ([field, set]) => `${field} ${set.map(({ low, end }) => `${low}-${end}`).join()}`,
    )
    const key = asked.sort().join(' ')
    if (decided.has(key)) return false
    decided.add(key)
    return true
  })
}
