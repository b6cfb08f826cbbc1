// Edits inside of long runs are map updates, and those around them keep what looks the runs up.
// Each run draws new seeds; BPFTABLES_SEED=n begins with that of a failure.

import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { sketchEdits, type Wanted } from './random-edits.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

const runs =
  (wanted: Wanted): Trial['sketch'] =>
  (random, family) =>
    sketchEdits(random, family, wanted)

for (const hook of ['auto', 'netfilter', 'xdp', 'tc'])
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: random edits of long runs do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const lengths = { INPUT: 130, run: 130 }
        await editAtRandom(t, { hook, family, seed: firstSeed, sketch: runs({ lengths }) })
      },
    )

for (const family of [4, 6] as const)
  kernelTest(
    `IPv${family}: random edits of a short chain beside many rules do what they do to iptables-legacy`,
    async t => {
      t.timeout(5 * 60_000)
      const lengths = { INPUT: 1000, run: 4 }
      await editAtRandom(t, { hook: 'netfilter', family, seed: firstSeed, sketch: runs({ lengths }) })
    },
  )

for (const hook of ['auto', 'netfilter'])
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: random edits around a long run do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const lengths = { INPUT: 650, run: 4 }
        await editAtRandom(t, { hook, family, seed: firstSeed, sketch: runs({ lengths, others: 'around' }) })
      },
    )

for (const hook of ['auto', 'netfilter'])
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: random edits among the rules of a long run do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const wanted = { lengths: { INPUT: 650, run: 4 }, others: 'among' } as const
        await editAtRandom(t, { hook, family, seed: firstSeed, sketch: runs(wanted) })
      },
    )

for (const hook of ['auto', 'netfilter', 'xdp', 'tc'])
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: random edits between the rules of a long run, of all that they ask for, do what they do to iptables-legacy`,
      async t => {
        t.timeout(5 * 60_000)
        const ingress = hook === 'xdp' || hook === 'tc'
        const wanted = { lengths: { INPUT: 750, run: 4 }, others: 'between', ingress } as const
        await editAtRandom(t, { hook, family, seed: firstSeed, sketch: runs(wanted) })
      },
    )
