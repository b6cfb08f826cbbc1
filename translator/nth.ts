// What `statistic --mode nth` counts by: a number of packets for each of these matches, all in the one value of a map. All programs of a load
// have the map together, since a chain may be called from several base chains; a load makes it anew, as iptables makes its numbers anew
// whenever a table is replaced.
//
//     byte  8 * slot   u64   packets that came to the match, from where it starts

import type { FamilyPlan } from './build.ts'
import { contentsOf } from './contents.ts'
import type { Item } from './item.ts'
import type { Plan } from './plan.ts'
import type { MapSpec } from './program.ts'
import type { NthTest } from './test.ts'

export const NTH_MAP = 'nth'
const COUNT_SIZE = 8

export interface NthLayout {
  /** Where a match counts, in bytes. Throws RangeError for one that was not planned. */
  offset(match: string): number
  /** Undefined where nothing counts. */
  readonly map: MapSpec | undefined
}

export const nthTestsIn = (plans: readonly FamilyPlan[]): readonly NthTest[] =>
  plans.flatMap(({ plan }) => testsIn(plan))

/** Several programs may have one plan. */
const known = new WeakMap<Plan, readonly NthTest[]>()

function testsIn(plan: Plan): readonly NthTest[] {
  const before = known.get(plan)
  if (before) return before
  const tests: NthTest[] = []
  plan.chains.forEach(({ lists }) => {
    for (let at = 0; at < lists.length; at++) addNthTests(tests, lists[at] as readonly Item[])
  })
  known.set(plan, tests)
  return tests
}

function addNthTests(tests: NthTest[], items: readonly Item[]): void {
  for (let at = 0; at < items.length; at++) {
    const { rest } = items[at] as Item
    if (rest.length > 0) tests.push(...rest.filter(test => test.kind === 'nth'))
  }
}

/** The same match of a rule counts in one place, whichever programs have it. */
export function nthLayout(plans: readonly FamilyPlan[]): NthLayout {
  const tests = new Map(nthTestsIn(plans).map(test => [test.match, test]))
  const offsets = new Map([...tests.keys()].map((match, slot) => [match, COUNT_SIZE * slot]))
  return {
    offset(match) {
      const offset = offsets.get(match)
      if (offset === undefined) throw new RangeError(`match ${match} has no place to count in`)
      return offset
    },
    map: tests.size === 0 ? undefined : mapOf([...tests.values()]),
  }
}

const mapOf = (tests: readonly NthTest[]): MapSpec => ({
  name: NTH_MAP,
  type: 'ARRAY',
  keySize: 4,
  valueSize: COUNT_SIZE * tests.length,
  maxEntries: 1,
  flags: 0,
  shared: false,
  together: true,
  contents: contentsOf([
    {
      key: new Uint8Array(4),
      value: new Uint8Array(BigUint64Array.from(tests, ({ start }) => BigInt(start)).buffer),
    },
  ]),
})
