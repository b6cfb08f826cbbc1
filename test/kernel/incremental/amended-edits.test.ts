// Edits among rules that have packets in common with most others amend the trees in maps.
// Each run draws new seeds; BPFTABLES_SEED=n begins with that of a failure.

import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { sketchTrees } from './random-trees.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

/** Of a rule set with this seed trees can be amended; of some others none can be. */
const AMENDABLE = 11112222

for (const [hook, family, rounds] of [
  ['netfilter', 4, 2],
  ['auto', 4, 2],
  ['netfilter', 6, 1],
] as const)
  kernelTest(
    `IPv${family} at ${hook}: edits that amend trees do what they do to iptables-legacy`,
    async t => {
      t.timeout(5 * 60_000)
      const wanted = {
        lengths: { INPUT: 1500, run: 100 },
        counting: 0.05,
        between: 0.2,
        ingress: hook === 'netfilter',
      } as const
      const sketch: Trial['sketch'] = (random, family) =>
        sketchTrees(random, family, { ...wanted, like: 'firewall' })
      await editAtRandom(t, { hook, family, seed: firstSeed, sketch, rounds })
      // trees of IPv6 are seldom such as can be amended, and behind a rule that ends all early there are none
      if (hook !== 'netfilter' || family !== 4) return
      const made = await editAtRandom(t, { hook, family, seed: AMENDABLE, sketch, rounds: 1 })
      if (made) t.true(made.amended > 0)
    },
  )
