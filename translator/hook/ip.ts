// Reads the IP header into the record; the same for all hooks but for how bytes are got at and what is checked first.

import type { Family } from 'iptables-parser'
import {
  andImmediate32,
  be16,
  be32,
  be64,
  lshImmediate32,
  mov,
  movImmediate,
  rshImmediate32,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r6, r8, r9 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { type FieldName, packetType, transport } from '../field.ts'
import { emitEui64 } from './eui64.ts'
import { emitExtensions, looksAtExtensions } from './extension.ts'
import { setField, storeField } from './field.ts'
import { forget, forgetPacket } from './forget.ts'
import { emitHeaderKinds, looksAtKinds } from './header-kinds.ts'
import type { PrologueRequest } from './hook.ts'
import { emitExtensionWalk } from './ipv6.ts'
import { emitQuestions } from './question.ts'
import { emitTcp, looksAtTcp } from './tcp.ts'
import { emitTransport, type HeaderReader, needsTransport } from './transport.ts'

export interface IpReader {
  readonly read: HeaderReader
  /** At offsets of which the verifier knows nothing. */
  readonly readAny: HeaderReader
  /** Extension headers that lie in the linear part, by those who have one; goes to `missing` with others, and must leave r6 to r9 as they are. */
  readonly readLinear?: HeaderReader
  /** Where 24 bytes of stack are free, from the frame pointer. */
  readonly scratch: number
  /** Where to go where there is no IP header. */
  readonly missing: Label
  /** Emits checks of the IP header that r0 points to, and must leave it there. */
  check?(): void
  /** Only packets get past the checks whose transport header follows the fixed IP header at once. */
  readonly plain?: true
}

export const ipHeaderSize = { 4: 20, 6: 40 } as const

/** With the packet's L3 bytes in r9. Goes on with the record filled. */
export function emitIp(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  emitHeaders(assembler, request, reader)
  emitQuestions(assembler, request, {
    ...reader,
    below: reader.scratch - request.record.size,
  })
}

function emitHeaders(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  const { family } = request
  reader.read(assembler, 0, ipHeaderSize[family], reader.missing)
  reader.check?.()
  if (family === 4) emitIpv4Header(assembler, request)
  else emitIpv6Header(assembler, request)
  if (!reader.plain && request.fields.has('packet-type')) emitLoopbackType(assembler, request)
  const behind = looksBehind(request)
  if (!behind && !request.fields.has('protocol')) return
  assembler.emit(load('u8', r1, r0, PROTOCOL_OFFSET[family]), store('u8', r6, fixedOffsets.protocol, r1))
  // in IPv6 the protocol is found only behind the extension headers
  if (!behind && (family === 4 || reader.plain)) return
  if (reader.plain) emitPlain(assembler, request, reader)
  else if (family === 4) emitIpv4(assembler, request, reader)
  else emitIpv6(assembler, request, reader)
}

const PROTOCOL_OFFSET: Readonly<Record<Family, number>> = { 4: 9, 6: 6 }

const looksBehind = (request: PrologueRequest): boolean =>
  request.fields.has('fragment') ||
  request.fields.has('transport-offset') ||
  needsTransport(request) ||
  looksAtTcp(request) ||
  looksAtKinds(request) ||
  looksAtExtensions(request)

/** A field of the fixed header, brought from where r0 points into r1. */
type HeaderField = readonly [FieldName, readonly Instruction[]]

function emitHeader(assembler: Assembler, request: PrologueRequest, fields: readonly HeaderField[]): void {
  for (const [field, read] of fields)
    if (request.fields.has(field)) assembler.emit(...read, storeField(request, field, r1))
}

function emitIpv4Header(assembler: Assembler, request: PrologueRequest): void {
  emitHeader(assembler, request, [
    ['saddr', [load('u32', r1, r0, 12), be32(r1)]],
    ['daddr', [load('u32', r1, r0, 16), be32(r1)]],
    ['tos', [load('u8', r1, r0, 1)]],
    ['ttl', [load('u8', r1, r0, 8)]],
  ])
  if (!request.fields.has('length')) return
  const told = assembler.label('length')
  assembler.emit(
    load('u16', r1, r0, 2),
    be16(r1),
    // put together from segments to more than a length can tell (BIG TCP, skb_ip_totlen)
    jumpIf('!=', r1, immediate(0), told),
    mov(r1, r9),
  )
  assembler.place(told)
  assembler.emit(storeField(request, 'length', r1))
}

function emitIpv6Header(assembler: Assembler, request: PrologueRequest): void {
  for (const [field, offset] of [
    ['saddr', 8],
    ['daddr', 24],
  ] as const)
    if (request.fields.has(field))
      for (const half of [0, 8] as const)
        assembler.emit(load('u64', r1, r0, offset + half), be64(r1), storeField(request, field, r1, half))
  emitHeader(assembler, request, [
    // the traffic class lies across the first two bytes
    ['tos', [load('u16', r1, r0, 0), be16(r1), rshImmediate32(r1, 4)]],
    ['ttl', [load('u8', r1, r0, 7)]],
  ])
  if (request.fields.has('eui64')) emitEui64(assembler, request)
  // all of the packet, also where the header tells another length (length_mt6 in net/netfilter/xt_length.c since 6.3)
  if (request.fields.has('length')) assembler.emit(storeField(request, 'length', r9))
}

/** skb->pkt_type of a copy of a broadcast or multicast packet sent from here: it enters above the hooks of its device (dev_loopback_xmit). */
export const PACKET_LOOPBACK = 5

/** What of IPv4 is a multicast: the highest four bits. */
const MULTICAST = { mask: 0xf0, value: 0xe0 } as const

/** A looped-back copy is what its destination says (pkttype_mt in net/netfilter/xt_pkttype.c). */
function emitLoopbackType(assembler: Assembler, request: PrologueRequest): void {
  const done = assembler.label('packet_type')
  assembler.emit(
    load('u8', r1, r6, request.record.offset('packet-type')),
    jumpIf('!=', r1, immediate(PACKET_LOOPBACK), done, 32),
    setField(request, 'packet-type', packetType.multicast),
  )
  if (request.family === 4)
    assembler.emit(
      load('u8', r1, r0, 16),
      andImmediate32(r1, MULTICAST.mask),
      jumpIf('==', r1, immediate(MULTICAST.value), done, 32),
      setField(request, 'packet-type', packetType.broadcast),
    )
  assembler.place(done)
}

function emitIpv4(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  const first = assembler.label('first_fragment')
  const later = assembler.label('later_fragment')
  assembler.emit(
    load('u8', r8, r0, 0),
    andImmediate32(r8, 0x0f),
    lshImmediate32(r8, 2),
    load('u16', r1, r0, 6),
    be16(r1),
    andImmediate32(r1, 0x1fff),
    jumpIf('==', r1, immediate(0), first, 32),
    storeImmediate('u8', r6, fixedOffsets.fragment, 1),
    storeImmediate('u8', r6, fixedOffsets.transport, transport.later),
    jumpIf('!=', r1, immediate(1), later, 32),
    storeImmediate('u8', r6, fixedOffsets.transport, transport.overlap),
    jump(later),
  )
  assembler.place(first)
  emitBehind(assembler, request, reader, later)
}

function emitIpv6(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  const done = assembler.label('headers')
  const later = assembler.label('later_fragment')
  const walkReader = { ...reader, iterator: reader.scratch }
  if (looksAtKinds(request)) {
    emitHeaderKinds(assembler, request, reader)
    assembler.emit(...forgetPacket(request.record))
  }
  assembler.emit(movImmediate(r8, ipHeaderSize[6]))
  if (looksAtExtensions(request)) {
    const walked = assembler.label('walked')
    emitExtensionWalk(assembler, request, walkReader, { later: walked, cut: walked })
    assembler.place(walked)
    assembler.emit(...forgetPacket(request.record), ...forget(r8))
    emitExtensions(assembler, request, reader.read)
    assembler.emit(
      ...forgetPacket(request.record),
      load('u8', r1, r6, fixedOffsets.transport),
      jumpIf('==', r1, immediate(transport.unreachable), done, 32),
      jumpIf('==', r1, immediate(transport.later), later, 32),
    )
  } else emitExtensionWalk(assembler, request, walkReader, { later, cut: done })
  emitBehind(assembler, request, reader, later)
  assembler.place(done)
}

function emitPlain(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  if (looksAtKinds(request)) emitHeaderKinds(assembler, request, reader)
  assembler.emit(movImmediate(r8, ipHeaderSize[request.family]))
  emitBehind(assembler, request, reader, assembler.label('later_fragment'))
}

/** With the offset of the transport header in r8. Places `later`, where later fragments come in, with the offset at which the kernel would look for the header. */
function emitBehind(assembler: Assembler, request: PrologueRequest, reader: IpReader, later: Label): void {
  const done = assembler.label('headers')
  if (request.fields.has('transport-offset'))
    // else the verifier would follow each place where extension headers can end
    assembler.emit(mov(r1, r8), ...forget(r1), storeField(request, 'transport-offset', r1))
  if (looksAtTcp(request)) {
    assembler.place(later)
    // the verifier would follow the walk along TCP options for each place where extension headers can end: unless it does not know the offset
    if (request.family === 6 && !reader.plain) assembler.emit(...forget(r8))
    emitTcp(assembler, request, reader)
    assembler.emit(
      load('u8', r1, r6, fixedOffsets.transport),
      jumpIf('!=', r1, immediate(transport.whole), done, 32),
    )
  }
  if (needsTransport(request)) emitTransport(assembler, request, reader.read, done)
  if (!looksAtTcp(request)) assembler.place(later)
  assembler.place(done)
}
