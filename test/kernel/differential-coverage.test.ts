// That the differential test tries what it says it does: packets of every kind, every state of connections, and rules of every match
// that some packets meet and others do not.

import type { Family } from 'iptables-parser'
import { addCoverage, type Coverage, coverageOf, noCoverage, oneSided, states } from '../campaign/coverage.ts'
import { traitNames, traitsWithout } from '../campaign/trait.ts'
import { families } from './harness/translatable.ts'
import { experimentOf } from './harness/trial.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

// fixed, so that what is rare is either there or not
const twentyFrom = (first: number): readonly number[] =>
  Array.from({ length: 20 }, (_, index) => first + index)

/** Few packets with extension headers come to IPv6 rules that ask for them, so it takes more rule sets until some do. */
const seeds: Readonly<Record<Family, readonly number[]>> = {
  4: twentyFrom(1),
  6: [...twentyFrom(1), ...twentyFrom(201), ...twentyFrom(401)],
}

/** No device is a bridge's port here. */
const unmet: readonly string[] = ['physdev']

const coverageOfFamily = async (family: Family): Promise<Coverage> => {
  let coverage = noCoverage
  for (const seed of seeds[family])
    coverage = addCoverage(coverage, await coverageOf(experimentOf({ hook: 'netfilter', family, seed })))
  return coverage
}

for (const family of families)
  kernelTest(
    `IPv${family}: the differential test sends all kinds of packets, to rules of every match`,
    async t => {
      t.timeout(5 * 60_000)
      const coverage = await coverageOfFamily(family)
      const missing = (names: readonly string[], counts: ReadonlyMap<string, number>) =>
        names.filter(name => (counts.get(name) ?? 0) === 0)
      t.deepEqual(missing(traitNames, coverage.traits), traitsWithout[family])
      t.deepEqual(missing(states, coverage.states), [])
      t.deepEqual(
        oneSided(coverage).filter(name => !unmet.includes(name)),
        [],
      )
    },
  )
