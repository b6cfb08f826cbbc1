// Random rules and packets aimed at them with each strategy forced on and each switched off: every verdict and every counter must be
// those of iptables-legacy. Runs of any length are made into trees in a map, separate trees or look-ups here, however little it pays.
// BPFTABLES_SEED=n begins with the seed of a failure; half of BPFTABLES_DIFFERENTIAL_SECONDS is for all tests of this file together.

import { parseSave } from 'iptables-parser'
import type { Strategies } from '../../translator/chain.ts'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { randomRules } from './harness/random-rules.ts'
import { decidable, families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const never = Number.POSITIVE_INFINITY

const forced: Readonly<Record<string, Partial<Strategies>>> = {
  'rules asked in turn': { linear: never, leastDispatch: never },
  'nothing but trees, to the last question': { linear: 0, leastDispatch: never, leastSeparated: never },
  'look-ups for single rules': { leastDispatch: 1, dispatch: 'always' },
  'separate trees in code': { separate: 'always', map: 'never', leastSeparated: 1, linear: 1 },
  'trees in a map': { separate: 'never', map: 'always', leastSeparated: 1, linear: 1, leastDispatch: never },
  'separate trees in a map': {
    separate: 'always',
    map: 'always',
    leastSeparated: 1,
    linear: 2,
    dispatch: 'never',
  },
  'trees in a map that all share': {
    ownMaps: 0,
    map: 'always',
    leastSeparated: 1,
    linear: 2,
    leastDispatch: never,
  },
  'trees in a map that packets go on from': {
    ownMaps: 0,
    map: 'always',
    goingOn: true,
    leastSeparated: 1,
    linear: 2,
    leastDispatch: never,
  },
  'separate trees in a map that all share': {
    ownMaps: 0,
    separate: 'always',
    map: 'always',
    leastSeparated: 1,
    linear: 1,
    leastDispatch: never,
  },
  'separate trees in a map that packets go on from': {
    ownMaps: 0,
    separate: 'always',
    map: 'always',
    goingOn: true,
    leastSeparated: 1,
    linear: 1,
    leastDispatch: never,
  },
  'trees as of thousands of rules': { large: 1, leastSeparated: 1, map: 'always', dispatch: 'never' },
  'trees in a map for want of room for code': { mostSlots: 0, leastSeparated: 1, leastDispatch: never },
}

const { BPFTABLES_SEED: givenSeed, BPFTABLES_DIFFERENTIAL_SECONDS: givenSeconds } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const budget = (500 * Number(givenSeconds ?? 30)) / Object.keys(forced).length

for (const [name, strategies] of Object.entries(forced))
  kernelTest(`${name}: random rules count and decide as iptables-legacy does`, async t => {
    t.timeout(10 * 60_000)
    const end = performance.now() + budget
    let seed = firstSeed
    do {
      for (const family of families) {
        const rules = randomRules({ seed, family, features: decidable('netfilter'), rules: 40 })
        const experiment = { rules, ...aim(parseSave(rules, { family }), { seed }) }
        const fault = await disagreement(direct('netfilter', strategies), experiment)
        if (fault !== undefined) return t.fail(`BPFTABLES_SEED=${seed} (IPv${family})\n${fault}`)
      }
      seed++
    } while (performance.now() < end)
    t.log(`seeds ${firstSeed} to ${seed - 1}`)
    t.pass()
  })
