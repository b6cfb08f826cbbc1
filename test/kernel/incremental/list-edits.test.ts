// Edits of many lists, more than a program may have maps: inside of look-ups that share maps they are map updates, and those around them keep the maps. Each run draws
// new seeds; BPFTABLES_SEED=n begins with that of a failure.

import { sketchLists } from '../harness/random-lists.ts'
import { families } from '../harness/translatable.ts'
import { kernelTestNeeding } from '../needs-kernel.ts'
import { editAtRandom, type Trial } from './edit-trial.ts'
import { editWords, type Verb, wide } from './random-edits.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

/** Of which edits are map updates. */
const KNOWN_SEED = 1

const verbs: readonly Verb[] = ['append', 'insert', 'insert', 'replace', 'delete at', 'delete same']

/** `others` is the share of the rules put in that are of no list's shape. */
const edits =
  (lists: number, others: number, deep = false): Trial['sketch'] =>
  (random, family) => {
    const sketched = sketchLists(random, { family, lists, rules: 70, deep })
    return {
      rules: sketched.rules,
      edit(count, ruleAt) {
        const chain = random.pick(sketched.lists)
        const asked = random.chance(others)
          ? `${wide(random, family, false)} -j DROP`
          : sketched.ruleOf(chain)
        const number = 1 + random.below(Math.max(1, count(chain)))
        return editWords(random.pick(verbs), { chain, number, rule: asked.trim().split(' '), ruleAt })
      },
    }
  }

for (const family of families) {
  kernelTest(`IPv${family}: random edits of 40 lists do what they do to iptables-legacy`, async t => {
    t.timeout(5 * 60_000)
    const trial = { hook: 'netfilter', family, sketch: edits(40, 0), rounds: 1 }
    await editAtRandom(t, { ...trial, seed: firstSeed })
    // that edits are map updates is asked of one seed: of another all may put a rule where none is
    const known = await editAtRandom(t, { ...trial, seed: KNOWN_SEED })
    if (known) t.true(known.quick > 0)
  })

  kernelTest(
    `IPv${family}: random edits of 20 lists in deep chains do what they do to iptables-legacy`,
    async t => {
      t.timeout(5 * 60_000)
      const sketch = edits(20, 0.1, true)
      await editAtRandom(t, { hook: 'netfilter', family, seed: firstSeed, sketch, rounds: 1 })
    },
  )

  kernelTest(
    `IPv${family}: random edits of 20 lists and around them do what they do to iptables-legacy`,
    async t => {
      t.timeout(5 * 60_000)
      await editAtRandom(t, { hook: 'netfilter', family, seed: firstSeed, sketch: edits(20, 0.4), rounds: 1 })
    },
  )
}
