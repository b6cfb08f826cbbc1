// What translations share changes no program: those of all hooks, made one after the other with one memory, are those that are made alone.

import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import { newLayout } from '../../translator/counter.ts'
import { earlyLane, type Lane, laneName, lanesFor } from '../../translator/lane.ts'
import { PlanMemory } from '../../translator/plan-memory.ts'
import { type LaneProgram, translate } from '../../translator/translate.ts'
import { randomChains } from '../kernel/harness/random-chains.ts'
import { randomRules } from '../kernel/harness/random-rules.ts'
import { randomZones } from '../kernel/harness/random-zones.ts'

const { BPFTABLES_SEED: given } = process.env
const firstSeed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
const SEEDS = 2

const texts: Readonly<Record<string, (seed: number, family: Family) => string>> = {
  'rules of all kinds': (seed, family) => randomRules({ seed, family, rules: 60 }),
  'plain rules': (seed, family) =>
    randomRules({
      seed,
      family,
      rules: 60,
      features: ['prefix', 'protocol', 'tcp', 'udp', 'chains', 'goto', 'return'],
    }),
  'chains that call chains': (seed, family) =>
    randomChains({ seed, family, chains: 12, depth: 3, listed: 70, pods: 20 }),
  'long chains': (seed, family) => randomZones({ seed, family, zones: 8, rules: 70 }),
}

function programsOf(ruleset: Ruleset, lanes: readonly Lane[], memory: PlanMemory): readonly LaneProgram[] {
  const translation = translate([ruleset], { lanes, counters: newLayout([ruleset]), memory })
  return translation.kind === 'translated' ? translation.programs : []
}

const specsOf = (programs: readonly LaneProgram[]) => programs.map(({ spec }) => spec)

for (const [name, textOf] of Object.entries(texts))
  for (const family of [4, 6] as const)
    test(`${name}, IPv${family}`, t => {
      t.log(`BPFTABLES_SEED=${firstSeed}`)
      let compared = 0
      for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
        const ruleset = parseSave(textOf(seed, family), { family })
        const memory = new PlanMemory()
        const early = (['xdp', 'tc'] as const).map(hook => earlyLane(hook, [ruleset]))
        for (const lane of [...early, ...lanesFor('netfilter', [ruleset])]) {
          const together = programsOf(ruleset, [lane], memory)
          const alone = programsOf(ruleset, [lane], new PlanMemory())
          // t.deepEqual takes seconds for so much
          t.true(isDeepStrictEqual(specsOf(together), specsOf(alone)), `seed ${seed}, ${laneName(lane)}`)
          compared += together.length
        }
      }
      t.true(compared > SEEDS, `${compared} programs`)
    })
