// Every packet of fixtures/packets on every path through rule sets that ask about all of it, at every hook, against iptables-legacy.

import { fixedRules } from '../fixed-rules.ts'
import { disagreement } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { fixtureProbes } from './harness/fixture-probes.ts'
import type { Path } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { families, type HookChoice, hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'INPUT', device: 'lo' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

/** What a hook is known to do otherwise. */
const knownDifferences: Readonly<Partial<Record<HookChoice, RegExp>>> = {
  // xdp is not told the device's own address, and the frame reaches it only where the device does not filter; the kernel drops it
  // behind xdp, uncounted
  xdp: /^INPUT eth0 link\/mac-other-host(-ip6)?$/,
}

for (const hook of hookChoices)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: fixture packets count and end as with iptables-legacy`, async t => {
      const topology = topologyOf(family, ['eth0', 'eth1'])
      const known = knownDifferences[hook]
      const probes = fixtureProbes(family, paths).filter(({ name }) => !known?.test(name))
      t.true(probes.length > 200)
      for (const { name, text, stateful } of fixedRules(family)) {
        if (stateful && hook !== 'netfilter') continue
        t.is(await disagreement(direct(hook), { topology, rules: text, probes }), undefined, name)
      }
    })
