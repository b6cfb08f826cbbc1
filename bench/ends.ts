// Both ends of the receive path that is measured. At its begin stands an XDP program that passes everything: a veth registers
// its receive queue, without which it takes no live frames, only while it has one. At its end, behind the filter table,
// everything is dropped, so that packets that were accepted cost no more than those that were dropped, whatever
// socket or device they would have gone to.

import { attachXdp } from '../src/kernel/link/xdp.ts'
import { closeProgram, loadProgram } from '../src/kernel/program.ts'
import { createNetfilterLink } from '../src/kernel/sys/link.ts'
import { close } from '../src/kernel/sys/object.ts'
import { movImmediate } from '../translator/asm/alu.ts'
import { exit } from '../translator/asm/jump.ts'
import { r0 } from '../translator/asm/register.ts'
import type { ProgramSpec } from '../translator/program.ts'
import type { Range } from './network.ts'
import { readSnmp } from './snmp.ts'

const NF_DROP = 0
const XDP_PASS = 2
const PROTOCOL_FAMILY = { 4: 2, 6: 10 } as const
const HOOK_NUMBER = { INPUT: 1, FORWARD: 2 } as const
/** Behind the filter table (0) and what stands beside it. */
const PRIORITY = 100

const always = (hook: 'xdp' | 'nf-input', verdict: number): ProgramSpec => ({
  name: 'bench_end',
  hook,
  type: hook === 'xdp' ? 'XDP' : 'NETFILTER',
  license: 'Dual MIT/GPL',
  functions: [
    {
      name: 'main',
      parameters: [{ name: 'context', type: { kind: 'context' } }],
      instructions: [movImmediate(r0, verdict), exit()],
    },
  ],
  maps: [],
})

/** Opens both ends; returns what closes them. */
export function openEnds({ family, course, device, inside }: Range): () => void {
  const begin = loadProgram(always('xdp', XDP_PASS), new Map())
  const end = loadProgram(always('nf-input', NF_DROP), new Map())
  const place = { pf: PROTOCOL_FAMILY[family], hooknum: HOOK_NUMBER[course], priority: PRIORITY }
  const links = inside(() => [
    attachXdp(begin, device).fd,
    createNetfilterLink(end.fd, place, 'drop what was accepted'),
  ])
  return () => {
    links.forEach(close)
    closeProgram(begin)
    closeProgram(end)
  }
}

/** Where the stack says that it delivered or forwarded packets; the latter it says before the filter has its say. */
const delivered = { 4: 'Ip InDelivers', 6: 'Ip6InDelivers' } as const
const forwarded = { 4: 'Ip ForwDatagrams', 6: 'Ip6OutForwDatagrams' } as const

/** Throws where packets went another way than the one that was to be measured. */
export function requireEnd({ family, course, inside }: Range): void {
  const values = inside(() => readSnmp(family))
  for (const name of course === 'INPUT' ? [delivered[family], forwarded[family]] : [delivered[family]])
    if (values.get(name) !== 0) throw new Error(`packets took another way: ${name} is ${values.get(name)}`)
}
