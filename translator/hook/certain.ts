// What must be so for a packet dropped at ingress to be one that INPUT, or PREROUTING of raw, would have dropped, with the same counters: nothing on
// the way there may change the packet, drop it or take it elsewhere. It is asked only of packets that the rules drop; where an answer is not certain the
// packet is passed on, uncounted.
//
//     device        frames are for its own address and taken up by IP, not by a bridge, a bond or an ingress chain of nf_tables
//     hooks         none but of connection tracking, of defragmentation and ours (hook/others.ts)
//     routing       delivered here, from a source that the kernel will not refuse (hook/delivery.ts)
//     connections   where rules ask for them: the packet belongs to none. It would change its connection's state before being dropped
//
// raw comes before routing and connections, so of it only this is asked:
//
//     device        as above, and that it has IPv6
//     hooks         ours is the first at PRE_ROUTING, but for defragmentation
//
// Registers:   r6  the record     r7  struct net_device *     r8, r9  scratch

import type { Family } from 'iptables-parser'
import { addImmediate, be16, be32, be64, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMember, store, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r6, r7, r10 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { type FieldName, transport } from '../field.ts'
import type { FirstTable } from '../lane.ts'
import { emitDelivery } from './delivery.ts'
import type { PrologueRequest } from './hook.ts'
import { emitDeviceFit, FREE, type IngressAccess, loadContext, loadNet } from './ingress.ts'
import { emitOthers, emitRawFirst } from './others.ts'

/** What certainty needs of the record. */
export const certaintyFields: Readonly<Record<FirstTable, readonly FieldName[]>> = {
  filter: ['saddr', 'daddr', 'tos', 'protocol', 'transport', 'sport', 'dport'],
  raw: [],
}

/** Goes to `pass` unless a packet that the rules drop would certainly have come to their table as it is. */
export function emitCertain(
  assembler: Assembler,
  request: PrologueRequest,
  access: IngressAccess,
  conntrack: boolean,
  pass: Label,
): void {
  const { family, early } = request
  emitDeviceFit(assembler, access, pass)
  access.lone(assembler, pass)
  const check = { family, loadNet: loadNet(), scratch: FREE, conntrack, others: pass }
  if (early === 'raw') {
    if (family === 6) emitHasIpv6(assembler, pass)
    return emitRawFirst(assembler, check)
  }
  // a helper of connection tracking is given to connections at any of the hooks, and then others can be RELATED to them
  const helpers = ['forward', 'localOut', 'postRouting'] as const
  emitOthers(assembler, ['preRouting', 'localIn', ...(conntrack ? helpers : [])], check)
  emitDelivery(assembler, request, access, pass)
  if (conntrack) emitNoConnection(assembler, request, access, pass)
}

/** ip6_rcv_core drops what comes by a device without IPv6, before any hook. */
const emitHasIpv6 = (assembler: Assembler, pass: Label): void =>
  assembler.emit(
    loadMember('u64', r1, r7, 'net_device', 'ip6_ptr'),
    jumpIf('==', r1, immediate(0), pass),
    loadMember('u32', r1, r1, 'inet6_dev', 'cnf', 'disable_ipv6'),
    jumpIf('!=', r1, immediate(0), pass, 32),
  )

const TCP = 6
const UDP = 17
/** -ENOENT: there is no such connection. */
const NOT_FOUND = -2
const CURRENT_NAMESPACE = -1

/** struct bpf_sock_tuple (include/uapi/linux/bpf.h), and struct bpf_ct_opts behind it. */
const tuple = {
  4: { source: 0, destination: 4, ports: 8, size: 12 },
  6: { source: 0, destination: 16, ports: 32, size: 36 },
} as const
const OPTIONS = FREE + 40
const options = { namespace: 0, error: 4, protocol: 8, size: 12 } as const

/** Only TCP and UDP can be looked up, and they alone have ports. */
function emitNoConnection(
  assembler: Assembler,
  request: PrologueRequest,
  { connectionLookup }: IngressAccess,
  pass: Label,
): void {
  const { family } = request
  const none = assembler.label('no_connection')
  const ported = assembler.label('ported')
  assembler.emit(
    load('u8', r1, r6, fixedOffsets.transport),
    jumpIf('!=', r1, immediate(transport.whole), pass, 32),
    load('u8', r2, r6, fixedOffsets.protocol),
    jumpIf('==', r2, immediate(TCP), ported, 32),
    jumpIf('!=', r2, immediate(UDP), pass, 32),
  )
  assembler.place(ported)
  assembler.emit(
    storeImmediate('u32', r10, OPTIONS + options.namespace, CURRENT_NAMESPACE),
    storeImmediate('u32', r10, OPTIONS + options.error, 0),
    storeImmediate('u32', r10, OPTIONS + options.protocol, 0),
    store('u8', r10, OPTIONS + options.protocol, r2),
    ...copyAddress(request, 'saddr', FREE + tuple[family].source),
    ...copyAddress(request, 'daddr', FREE + tuple[family].destination),
    ...copyPort(request, 'sport', FREE + tuple[family].ports),
    ...copyPort(request, 'dport', FREE + tuple[family].ports + 2),
    loadContext(),
    mov(r2, r10),
    addImmediate(r2, FREE),
    movImmediate(r3, tuple[family].size),
    mov(r4, r10),
    addImmediate(r4, OPTIONS),
    movImmediate(r5, options.size),
    callKfunc(connectionLookup),
    jumpIf('==', r0, immediate(0), none),
    mov(r1, r0),
    callKfunc('bpf_ct_release'),
    jump(pass),
  )
  assembler.place(none)
  assembler.emit(
    load('u32', r1, r10, OPTIONS + options.error),
    jumpIf('!=', r1, immediate(NOT_FOUND), pass, 32),
  )
}

/** An address of the record, in network order, to the stack. */
export function copyAddress(
  { family, record }: { readonly family: Family } & Pick<PrologueRequest, 'record'>,
  field: 'saddr' | 'daddr',
  to: number,
): Instruction[] {
  const from = record.offset(field)
  if (family === 4) return [load('u32', r1, r6, from), be32(r1), store('u32', r10, to, r1)]
  return [0, 8].flatMap(half => [
    load('u64', r1, r6, from + half),
    be64(r1),
    // struct bpf_fib_lookup has addresses at multiples of 4
    store('u64', r10, to + half, r1),
  ])
}

const copyPort = ({ record }: PrologueRequest, field: 'sport' | 'dport', to: number): Instruction[] => [
  load('u16', r1, r6, record.offset(field)),
  be16(r1),
  store('u16', r10, to, r1),
]
