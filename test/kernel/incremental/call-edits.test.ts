// Edits of chains among many: programs are made anew, and the functions of the chains that stay go on in them. Each run draws new seeds; BPFTABLES_SEED=n begins
// with that of a failure.

import { families } from '../harness/translatable.ts'
import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { type Shape, sketchCalls } from './random-calls.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

/** Of which edits keep the functions of chains. */
const KNOWN_SEED = 1

const shapes = {
  pods: { chains: 12, depth: 3, listed: 20, pods: 200 },
  'pods and lists that call chains': { chains: 12, depth: 3, listed: 80, pods: 200 },
  'pods and deep chains': { chains: 18, depth: 6, listed: 20, pods: 80 },
} as const satisfies Readonly<Record<string, Shape>>

for (const [hook, family] of [
  ['auto', 4],
  ['auto', 6],
  ['xdp', 4],
  ['tc', 6],
] as const)
  kernelTest(
    `IPv${family} at ${hook}: edits of both families' chains do what they do to iptables-legacy`,
    async t => {
      t.timeout(5 * 60_000)
      const sketch: Trial['sketch'] = (random, family) =>
        sketchCalls(random, family, { ...shapes.pods, pods: 80 })
      const trial = { hook, family, sketch, rounds: 1, beside: true }
      await editAtRandom(t, { ...trial, seed: firstSeed })
      // that something is kept is asked of one seed: of another all edits may be such as nothing goes on under
      const known = await editAtRandom(t, { ...trial, seed: KNOWN_SEED })
      if (known) t.true(known.kept > 0)
    },
  )

for (const [name, shape] of Object.entries(shapes))
  for (const family of families)
    kernelTest(`IPv${family}: random edits beside ${name} do what they do to iptables-legacy`, async t => {
      t.timeout(5 * 60_000)
      await editAtRandom(t, {
        hook: 'netfilter',
        family,
        seed: firstSeed,
        sketch: (random, family) => sketchCalls(random, family, shape),
      })
    })
