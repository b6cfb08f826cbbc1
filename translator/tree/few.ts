// Few items asked in turn: the leaf that a tree of them would be, without the space they stand in. Of thousands of chains most have a rule or two.

import type { Family } from 'iptables-parser'
import { domain } from '../field.ts'
import { asksNothing, type Item, isFinal } from '../item.ts'
import { type LeafTest, setTest } from '../test.ts'
import type { IntervalSet } from './interval.ts'
import type { Candidate, Leaf } from './node.ts'

/** What buildTree makes of so many items as a leaf may have; undefined where a set goes on behind all values of its field or is all of them, which only a space tells. */
export function leafOfFew(items: readonly Item[], family: Family): Leaf | undefined {
  const candidates: Candidate[] = []
  for (const item of items) {
    const tests = testsOf(item, family)
    if (!tests) return undefined
    candidates.push({ item, tests })
    if (asksNothing(item) && isFinal(item)) break
  }
  return { kind: 'leaf', candidates }
}

/** All that is asked, fields in alphabetical order. */
function testsOf({ sets, rest }: Item, family: Family): readonly LeafTest[] | undefined {
  if (sets.size === 0) return rest
  const tests: LeafTest[] = []
  for (const field of [...sets.keys()].sort()) {
    const set: IntervalSet = sets.get(field) ?? []
    const whole = domain(field, family)
    if (set.some(({ low, end }) => end > whole.end || (low === whole.low && end === whole.end)))
      return undefined
    tests.push(setTest(field, set))
  }
  return rest.length === 0 ? tests : [...tests, ...rest]
}
