// Edits in and around trees in maps keep the trees.
// Each run draws new seeds; BPFTABLES_SEED=n begins with that of a failure.

import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { sketchTrees } from './random-trees.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

/** Of which most edits keep the trees. */
const KNOWN_SEED = 1

for (const hook of ['auto', 'netfilter', 'xdp', 'tc'])
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: random edits in and around trees in maps do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const ingress = hook === 'xdp' || hook === 'tc'
        const wanted = { lengths: { INPUT: 2000, run: 100 }, counting: 0.1, between: 0.2, ingress }
        const sketch: Trial['sketch'] = (random, family) => sketchTrees(random, family, wanted)
        const atNetfilter = hook === 'auto' || hook === 'netfilter'
        const rounds = atNetfilter ? 2 : 1
        await editAtRandom(t, { hook, family, seed: firstSeed, sketch, rounds })
        if (!atNetfilter) return
        // that trees are kept is asked of one seed: of others fewer are, and of some none, as where a rule is put in that ends all early
        const known = await editAtRandom(t, { hook, family, seed: KNOWN_SEED, sketch, rounds: 1 })
        if (known) t.true(known.kept > known.edits / 4)
      },
    )
