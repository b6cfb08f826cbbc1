// Random raw, mangle and filter tables together, through iptables-legacy and through bpftables: what one table drops the next must not
// count, and each must know what its hook knows. BPFTABLES_SEED=n begins with the seed of a failure.

import type { TableName } from 'iptables-parser'
import { type DirectHook, direct } from './harness/direct.ts'
import { families } from './harness/translatable.ts'
import { experimentOf, explain } from './harness/trial.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed, BPFTABLES_DIFFERENTIAL_SECONDS: givenSeconds } = process.env

const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const milliseconds = (1000 * Number(givenSeconds ?? 30)) / 3

const sets: readonly (readonly [hook: DirectHook, ...tables: readonly TableName[]])[] = [
  ['netfilter', 'raw', 'mangle', 'filter'],
  ['netfilter', 'raw', 'filter'],
  ['netfilter', 'mangle'],
  ['early-tc', 'raw', 'filter'],
  ['early-xdp', 'raw', 'mangle'],
]

for (const [hook, ...tables] of sets)
  for (const family of families)
    kernelTest(
      `IPv${family} at ${hook}: random tables ${tables.join(', ')} count and decide as in iptables-legacy`,
      async t => {
        t.timeout(10 * 60_000)
        const end = performance.now() + milliseconds / (sets.length * families.length)
        let seed = firstSeed
        do {
          const fault = await explain(
            direct(hook),
            experimentOf({ hook, family, seed, tables, rules: 42 }),
          ).catch(String)
          if (fault !== undefined) return t.fail(`BPFTABLES_SEED=${seed}\n${fault}`)
          seed++
        } while (performance.now() < end)
        t.log(`seeds ${firstSeed} to ${seed - 1}`)
        t.pass()
      },
    )
