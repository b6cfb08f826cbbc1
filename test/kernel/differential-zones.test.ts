// Many chains of rules of all kinds, next to iptables-legacy: their trees stand in one map, and packets go on from some of their rules. BPFTABLES_SEED=n is the seed of a
// failure.

import { parseSave } from 'iptables-parser'
import { compileText } from '../translator/compile.ts'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { randomZones } from './harness/random-zones.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { BPFTABLES_SEED: givenSeed } = process.env
const seed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

for (const family of families)
  for (const hook of ['netfilter', 'early-tc', 'xdp'] as const)
    for (const alike of [false, true])
      kernelTest(
        `IPv${family} at ${hook}: chains of zones ${alike ? 'that are alike ' : ''}count and decide as iptables-legacy does`,
        async t => {
          t.timeout(5 * 60_000)
          const rules = randomZones({ seed, family, zones: 20, rules: 105, ingress: hook === 'xdp', alike })
          const [program] = compileText(rules, family)
          const functions = program?.spec.functions.map(({ name }) => name) ?? []
          t.true(functions.includes('walk0'), functions.join(' '))
          if (alike) t.true(functions.includes(`chains${family}_1`), functions.join(' '))
          const experiment = { rules, ...aim(parseSave(rules, { family }), { seed, limit: 600 }) }
          t.is(await disagreement(direct(hook), experiment), undefined, `BPFTABLES_SEED=${seed}`)
        },
      )
