// Every packet of fixtures/packets on every path through rule sets that ask about all of it, at every hook, against iptables-legacy.

import { fixedRules, questionRules } from '../fixed-rules.ts'
import { disagreement } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { fixtureProbes } from './harness/fixture-probes.ts'
import type { Path } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { families, hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'INPUT', device: 'lo' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

for (const hook of hookChoices)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: fixture packets count and end as with iptables-legacy`, async t => {
      const topology = topologyOf(family, ['eth0', 'eth1'])
      const probes = fixtureProbes(family, paths)
      t.true(probes.length > 200)
      for (const { name, text, stateful } of [...fixedRules(family), questionRules(family)]) {
        if (stateful && hook !== 'netfilter') continue
        t.is(await disagreement(direct(hook), { topology, rules: text, probes }), undefined, name)
      }
    })
