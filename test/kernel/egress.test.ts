// Why OUTPUT is not judged at tc egress (docs/architecture.md): what iptables does there, a program at egress cannot do.

import { readFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'
import { attachTcx } from '../../src/kernel/link/tcx.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { close } from '../../src/kernel/sys/object.ts'
import { movImmediate } from '../../translator/asm/alu.ts'
import { createAssembler } from '../../translator/asm/assembler.ts'
import { exit } from '../../translator/asm/jump.ts'
import { r0 } from '../../translator/asm/register.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { type Firewall, legacy } from './harness/firewall.ts'
import { openHost } from './harness/host.ts'
import type { Probe } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const TCX_DROP = 2

const dropAll = (): ProgramSpec => {
  const assembler = createAssembler()
  assembler.emit(movImmediate(r0, TCX_DROP), exit())
  return {
    name: 'drop',
    hook: 'tc-egress',
    type: 'SCHED_CLS',
    license: 'Dual MIT/GPL',
    functions: [
      {
        name: 'drop',
        parameters: [{ name: 'ctx', type: { kind: 'context' } }],
        instructions: assembler.assemble(),
      },
    ],
    maps: [],
  }
}

const atEgress: Firewall = {
  name: 'tc egress',
  load: host => {
    host.inside(() => {
      const program = loadProgram(dropAll(), new Map())
      for (const { name } of host.topology.devices)
        attached.push(attachTcx(program, { name, index: interfaceIndex(name) ?? 0 }, 'egress'))
      close(program.fd)
    })
  },
  read: () => '',
  unload: () => {
    for (const fd of attached.splice(0)) close(fd)
  },
}
const attached: ReturnType<typeof attachTcx>[] = []

const datagram = (family: Family): Probe => ({
  name: 'datagram',
  path: { hook: 'OUTPUT', device: 'eth0' },
  packet: [
    family === 4
      ? { kind: 'ip', src: '192.0.2.2', dst: '192.0.2.9' }
      : { kind: 'ip6', src: '2001:db8::2', dst: '2001:db8::9' },
    { kind: 'udp', sport: 4000, dport: 5000 },
    { kind: 'raw', zeros: 8 },
  ],
})

/** Rules that make the kernel track connections, and drop what they are asked to. */
const tracking = (policy: 'ACCEPT' | 'DROP'): string =>
  `*filter\n:OUTPUT ${policy} [0:0]\n-A OUTPUT -m conntrack --ctstate INVALID -j ACCEPT\nCOMMIT\n`

/** Drops at OUTPUT, or at the egress of all devices behind an OUTPUT that accepts. */
const firewalls: readonly { readonly name: 'OUTPUT' | 'egress'; readonly parts: readonly Part[] }[] = [
  { name: 'OUTPUT', parts: [{ firewall: legacy, rules: tracking('DROP') }] },
  {
    name: 'egress',
    parts: [
      { firewall: legacy, rules: tracking('ACCEPT') },
      { firewall: atEgress, rules: '' },
    ],
  },
]

interface Part {
  readonly firewall: Firewall
  readonly rules: string
}

interface Seen {
  /** What the process that sent was told. */
  readonly told: readonly string[]
  readonly sent: string | undefined
  /** Connections that the kernel remembers. */
  readonly connections: number
}

const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count'

const dropped = async (parts: readonly Part[], family: Family): Promise<Seen> => {
  const host = openHost(topologyOf(family, ['eth0']))
  try {
    for (const { firewall, rules } of parts) await firewall.load(host, rules)
    const told = host.send([datagram(family)])
    const sent = host.traffic().find(line => line.startsWith('eth0'))
    return { told, sent, connections: host.inside(() => Number(readFileSync(COUNT, 'utf8'))) }
  } finally {
    for (const { firewall } of parts) await firewall.unload?.(host)
    host.close()
  }
}

const expected: Readonly<Record<'OUTPUT' | 'egress', Seen>> = {
  OUTPUT: { told: ['datagram: EPERM'], sent: 'eth0 sent 0 packets, 0 bytes', connections: 0 },
  egress: { told: [], sent: 'eth0 sent 0 packets, 0 bytes', connections: 1 },
}

for (const family of families)
  for (const { name, parts } of firewalls)
    kernelTest(
      `IPv${family}: of a packet dropped at ${name} the sender ${name === 'OUTPUT' ? 'is told, and no connection is remembered' : 'is not told, and its connection is remembered'}`,
      async t => {
        t.deepEqual(await dropped(parts, family), expected[name])
      },
    )
