// Boxes in the space of fields: what a conjunction of sets holds, and what is left of one where others are taken out.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import { complement, type IntervalSet, intersect } from './interval.ts'

/** Values each field may have; a field that is not there may have any. */
export type Box = ReadonlyMap<FieldName, IntervalSet>

/** What of a box lies outside of another, as boxes that do not overlap. The box itself where the two have nothing in common. */
export function subtract(box: Box, taken: Box, family: Family): readonly Box[] {
  if (areApart(box, taken)) return [box]
  const left: Box[] = []
  let common = box
  for (const [field, set] of taken) {
    const whole = domain(field, family)
    const own = common.get(field) ?? [whole]
    const outside = intersect(own, complement(set, whole))
    if (outside.length > 0) left.push(new Map([...common, [field, outside]]))
    common = new Map([...common, [field, intersect(own, set)]])
  }
  return left
}

function areApart(a: Box, b: Box): boolean {
  for (const [field, set] of b) {
    const own = a.get(field)
    if (own && intersect(own, set).length === 0) return true
  }
  return false
}
