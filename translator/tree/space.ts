// The space of fields, cut down to what a run of rules can tell apart: along each field the values between two neighbouring
// interval ends are one segment, so a box is a range of small numbers whatever the field's width.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { IntervalSet, Point } from './interval.ts'

/** Segments of a field: number i begins at starts[i]. */
export interface Axis {
  readonly field: FieldName
  readonly starts: readonly Point[]
}

/** Half-open ranges of segments, sorted and disjoint: low, end, low, end, … */
export type SegmentRanges = readonly number[]

/** An item in terms of segments; ranges[a] is undefined where the item asks nothing of axis a. */
export interface PlacedItem {
  readonly item: Item
  readonly ranges: readonly (SegmentRanges | undefined)[]
}

export interface Space {
  readonly axes: readonly Axis[]
  readonly items: readonly PlacedItem[]
}

export function spaceOf(items: readonly Item[], family: Family): Space {
  const names = new Set<FieldName>(items.flatMap(item => [...item.sets.keys()]))
  const axes = [...names].sort().map(field => axisOf(field, items, family))
  const placed = items.map(item => ({
    item,
    ranges: axes.map(axis => {
      const set = item.sets.get(axis.field)
      return set && segmentsOf(set, axis)
    }),
  }))
  return { axes, items: placed }
}

function axisOf(field: FieldName, items: readonly Item[], family: Family): Axis {
  const { low, end } = domain(field, family)
  const starts = new Set<Point>([low])
  for (const { sets } of items)
    for (const interval of sets.get(field) ?? []) {
      starts.add(interval.low)
      if (interval.end < end) starts.add(interval.end)
    }
  return { field, starts: [...starts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) }
}

const segmentsOf = (set: IntervalSet, axis: Axis): number[] =>
  set.flatMap(({ low, end }) => [indexOf(axis.starts, low), indexOf(axis.starts, end)])

/** The index of a start, or the number of starts for what lies behind them all. */
function indexOf(starts: readonly Point[], point: Point): number {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? point) < point) low = middle + 1
    else high = middle
  }
  return low
}
