// Edits of chains of rules of all kinds, whose trees stand in one map: the chains that are not edited go on with it. Each run draws new seeds; BPFTABLES_SEED=n begins
// with that of a failure.

import type { Family } from 'iptables-parser'
import type { Random } from '../harness/random.ts'
import { sketchZones } from '../harness/random-zones.ts'
import { families } from '../harness/translatable.ts'
import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { editWords, type Verb } from './random-edits.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

/** Of which edits keep the trees that share a map. */
const KNOWN_SEED = 1

const verbs: readonly Verb[] = ['append', 'insert', 'insert', 'replace', 'delete at', 'delete same']

const sketchOf =
  (alike: boolean): Trial['sketch'] =>
  (random, family) => {
    const { rules, zones, rule } = sketchZones(random, {
      family,
      zones: alike ? 20 : 12,
      rules: alike ? 105 : 100,
      alike,
    })
    return {
      rules,
      edit(count, ruleAt) {
        // bans come one after the other, and are looked up from the first on
        if (random.chance(0.3)) {
          const [chain = 'INPUT'] = zones
          const rule = ['-s', host(random, family), '-j', 'DROP']
          return editWords('insert', { chain, number: 1, rule, ruleAt })
        }
        const chain = random.chance(0.2) ? 'INPUT' : random.pick(zones)
        const number = 1 + random.below(Math.max(1, count(chain)))
        return editWords(random.pick(verbs), { chain, number, rule: rule().split(' '), ruleAt })
      },
    }
  }

/** One of those that rules ask for. */
const host = (random: Random, family: Family): string =>
  family === 4 ? `198.51.100.${random.below(128)}/32` : `2001:db8:7::${random.below(128).toString(16)}/128`

for (const family of families)
  for (const alike of [false, true])
    kernelTest(
      `IPv${family}: random edits of chains of zones ${alike ? 'that are alike ' : ''}do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const sketch = sketchOf(alike)
        const trial = { hook: 'netfilter', family, sketch, rounds: 1 }
        await editAtRandom(t, { ...trial, seed: firstSeed })
        // that trees go on is asked of one seed: of another there may be no edit among those of a chain
        const known = await editAtRandom(t, { ...trial, seed: KNOWN_SEED })
        if (known) t.true(known.kept > known.edits / 4 && known.walked > 0)
      },
    )
