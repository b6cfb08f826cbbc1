// More look-ups than a program may have maps, next to iptables-legacy: they share maps, and each must find what is its own there. BPFTABLES_SEED=n begins with the seed
// of a failure; half of BPFTABLES_DIFFERENTIAL_SECONDS is for all tests of this file together.

import { parseSave } from 'iptables-parser'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { type DirectHook, direct } from './harness/direct.ts'
import { randomLists } from './harness/random-lists.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

/** Those of the last mostly have maps of their own. */
const cases: readonly (readonly [hook: DirectHook, lists: number, deep?: true])[] = [
  ['netfilter', 70],
  ['netfilter', 40],
  ['netfilter', 40, true],
  ['early-tc', 50],
  ['xdp', 40],
  ['netfilter', 6],
]

const { BPFTABLES_SEED: givenSeed, BPFTABLES_DIFFERENTIAL_SECONDS: givenSeconds } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const budget = (500 * Number(givenSeconds ?? 30)) / cases.length

for (const [hook, lists, deep = false] of cases)
  kernelTest(
    `${lists} look-ups${deep ? ' in deep chains' : ''} at ${hook} count and decide as iptables-legacy does`,
    async t => {
      t.timeout(10 * 60_000)
      const end = performance.now() + budget
      let seed = firstSeed
      do {
        for (const family of families) {
          const rules = randomLists({ seed, family, lists, rules: 8, deep })
          const experiment = { rules, ...aim(parseSave(rules, { family }), { seed }) }
          const firewall = direct(hook, { leastDispatch: 4, dispatch: 'always' })
          const fault = await disagreement(firewall, experiment)
          if (fault !== undefined) return t.fail(`BPFTABLES_SEED=${seed} (IPv${family})\n${fault}`)
        }
        seed++
      } while (performance.now() < end)
      t.log(`seeds ${firstSeed} to ${seed - 1}`)
      t.pass()
    },
  )
