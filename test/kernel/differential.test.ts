// Random rules and packets aimed at them, through iptables-legacy and through bpftables: every verdict and every counter must agree.
// Each run draws new seeds for as long as BPFTABLES_DIFFERENTIAL_SECONDS says (all tests of this file together); BPFTABLES_SEED=n begins
// with the seed of a failure.

import test, { type ExecutionContext } from 'ava'
import { type Family, parseSave } from 'iptables-parser'
import { trialsOf } from '../campaign/campaign.ts'
import { directHooks } from './harness/direct.ts'
import { type Feature, randomRules } from './harness/random-rules.ts'
import {
  decidable,
  families,
  type HookChoice,
  hookChoices,
  isTranslatable,
  undecidable,
} from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed, BPFTABLES_DIFFERENTIAL_SECONDS: givenSeconds } = process.env

const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const seconds = Number(givenSeconds ?? 30)

/** Each seed is tried at every hook, so that iptables-legacy is asked once; the first one is tried however little time there is. */
const tryFor = async (t: ExecutionContext, family: Family, budget: number) => {
  const end = performance.now() + budget
  const choice = { hooks: directHooks, families: [family], strategies: [{}], tables: ['filter'] } as const
  let seed = firstSeed
  do {
    for await (const { hook, difference } of trialsOf(seed, choice))
      if (difference !== undefined)
        return t.fail(`BPFTABLES_SEED=${seed} (IPv${family} at ${hook})\n${difference}`)
    seed++
  } while (performance.now() < end)
  t.log(`seeds ${firstSeed} to ${seed - 1} at ${directHooks.join(', ')}`)
  t.pass()
}

for (const family of families)
  kernelTest(
    `IPv${family}: at every hook, random rules count and decide as iptables-legacy does`,
    async t => {
      t.timeout(10 * 60_000)
      await tryFor(t, family, (1000 * seconds) / families.length)
    },
  )

/** Seeds enough that a feature which is drawn at all is drawn. */
const isRefused = (hook: HookChoice, feature: Feature): boolean =>
  [1, 2, 3].some(seed => {
    const text = randomRules({ seed, family: 4, features: ['tcp', feature], rules: 60 })
    return !isTranslatable(parseSave(text, { family: 4 }), hook)
  })

for (const hook of hookChoices)
  test(`at ${hook}, what random rules leave out is what the translator refuses`, t => {
    t.deepEqual(
      undecidable[hook].filter(feature => !isRefused(hook, feature)),
      [],
    )
    t.deepEqual(
      decidable(hook).filter(feature => isRefused(hook, feature)),
      [],
    )
  })
