// Few items asked in turn: the leaf that a tree of them would be, without the space they stand in. Of thousands of chains most have a rule or two.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import { asksNothing, type Item, isFinal } from '../item.ts'
import { type LeafTest, setTest } from '../test.ts'
import type { Interval, IntervalSet } from './interval.ts'
import type { Candidate, Leaf } from './node.ts'

/** What buildTree makes of so many items as a leaf may have; undefined where a set goes on behind all values of its field or is all of them, which only a space tells. */
export function leafOfFew(items: readonly Item[], family: Family): Leaf | undefined {
  // as long as it may be: pushed to, it would have room for many more
  const candidates = new Array<Candidate>(items.length)
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    const tests = testsOf(item, family)
    if (!tests) return undefined
    candidates[at] = { item, tests }
    if (asksNothing(item) && isFinal(item)) return { kind: 'leaf', candidates: candidates.slice(0, at + 1) }
  }
  return { kind: 'leaf', candidates }
}

/** All that is asked, fields in alphabetical order. */
function testsOf({ sets, rest }: Item, family: Family): readonly LeafTest[] | undefined {
  if (sets.size === 0) return rest
  const all = FieldSets.of(sets)
  const { names, inOrder } = all
  const tests = new Array<LeafTest>(inOrder.length)
  for (let at = 0; at < inOrder.length; at++) {
    const index = inOrder[at] as number
    const field = names[index] as FieldName
    const set = all.at(index)
    if (!isWithin(set, domain(field, family))) return undefined
    tests[at] = setTest(field, set)
  }
  return rest.length === 0 ? tests : [...tests, ...rest]
}

/** Whether a set ends with all values of its field, and is not all of them. */
function isWithin(set: IntervalSet, whole: Interval): boolean {
  for (let at = 0; at < set.length; at++) {
    const { low, end } = set[at] as Interval
    if (end > whole.end || (low === whole.low && end === whole.end)) return false
  }
  return true
}
