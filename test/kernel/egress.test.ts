// Why OUTPUT is not judged at tc egress (docs/architecture.md): what iptables does there, a program at egress cannot do.

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

const refusedBy = async (firewall: Firewall, family: Family): Promise<readonly string[]> => {
  const host = openHost(topologyOf(family, ['eth0']))
  try {
    await firewall.load(host, '*filter\n:OUTPUT DROP [0:0]\nCOMMIT\n')
    const refused = host.send([datagram(family)])
    const sent = host.traffic().find(line => line.startsWith('eth0'))
    return [...refused, sent ?? '']
  } finally {
    await firewall.unload?.(host)
    host.close()
  }
}

for (const family of families)
  kernelTest(
    `IPv${family}: a process is told of a packet dropped at OUTPUT, and not of one at egress`,
    async t => {
      t.deepEqual(await refusedBy(legacy, family), ['datagram: EPERM', 'eth0 sent 0 packets, 0 bytes'])
      t.deepEqual(await refusedBy(atEgress, family), ['eth0 sent 0 packets, 0 bytes'])
    },
  )
