// The netfilter hooks: BPF_NETFILTER programs see an skb as the filter table sees it. Its headers are read where they lie in its linear
// part, else through a dynptr, which reaches all of it.
//
// Registers of the prologue:   r7  struct sk_buff *, later a count of extension headers
//                              r8  struct nf_hook_state *, then whether the device is listed, later where the transport header begins
//                              r9  L3 bytes
//
// Stack:   fp-8    struct sk_buff *
//          fp-24   struct bpf_dynptr
//          fp-64   buffer of 40 bytes for headers that have to be copied
//          fp-72   struct nf_hook_state *, where rules ask what an address is to routing; else what follows begins here
//          fp-88   scratch for the walk along TCP options, of 24 bytes
//          below   the record

import type { Family } from 'iptables-parser'
import {
  add,
  addImmediate,
  addImmediate32,
  andImmediate,
  mov,
  mov32,
  movImmediate,
  sub32,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call, callKfunc, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMap, loadMember, store, typeId } from '../asm/memory.ts'
import { peekPointer } from '../asm/peek.ts'
import { type Register, r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { clearRecord, LENGTH_OFFSET } from '../emit/record.ts'
import type { FieldName } from '../field.ts'
import { asksAddressType, emitAddressTypes } from './address-type.ts'
import { asideMap, emitAside } from './aside.ts'
import { emitAttached } from './attached.ts'
import { bridgeFields, emitBridge } from './bridge.ts'
import { clockFields } from './clock.ts'
import { connectionFields, emitConnection } from './connection.ts'
import { interfaceMap, judging, storeDevice } from './device.ts'
import { emitInterfaceId } from './eui64.ts'
import { storeField } from './field.ts'
import { emitFit } from './fit.ts'
import type { HookFrame, PrologueRequest, Ways } from './hook.ts'
import { emitIp, PACKET_LOOPBACK } from './ip.ts'
import { emitMac, loadDestination } from './mac.ts'
import { emitPlainCheck } from './plain.ts'
import { emitOwner } from './socket.ts'
import { emitSocketGroups } from './socket-group.ts'
import type { HeaderReader } from './transport.ts'

const SKB = -8
const DYNPTR = SKB - 16
const BUFFER = DYNPTR - 40
const STATE = BUFFER - 8
const SCRATCH_SIZE = 24

/** Bytes from the frame pointer down that are free behind the prologue. */
export const FREE_STACK = SCRATCH_SIZE - BUFFER

/** Where the scratch begins, with the record below it. */
const scratchOf = (request: PrologueRequest): number =>
  (asksAddressType(request) ? STATE : BUFFER) - SCRATCH_SIZE

/** NF_DROP and NF_ACCEPT (include/uapi/linux/netfilter.h); a BPF_NETFILTER program may yield no other. */
const verdicts = { drop: 0, accept: 1 } as const

/** Judges every packet. */
export const netfilterFrame: HookFrame = { verdicts, maps: [], prologue: prologueOf(false) }

/** Judges the packets that xdp or tc have left, and accepts all others uncounted. */
export const leftoverFrame: HookFrame = {
  verdicts,
  maps: [interfaceMap, asideMap],
  prologue: prologueOf(true),
}

function prologueOf(leftovers: boolean): HookFrame['prologue'] {
  return (assembler, [request], ways) => {
    // a netfilter link is one family's, and so is its program
    if (!request) return
    assembler.emit(mov(r6, r10), addImmediate(r6, scratchOf(request) - request.record.size))
    if (!leftovers && request.fields.size === 0) return emitLength(assembler, request)
    assembler.emit(
      loadMember('u64', r7, r1, 'bpf_nf_ctx', 'skb'),
      loadMember('u64', r8, r1, 'bpf_nf_ctx', 'state'),
      loadMember('u32', r9, r7, 'sk_buff', 'len'),
      ...clearRecord(request.record),
      store('u32', r6, LENGTH_OFFSET, r9),
      store('u64', r10, SKB, r7),
    )
    emitInterface(assembler, request, 'iif', 'in')
    emitInterface(assembler, request, 'oif', 'out')
    emitPacket(assembler, request)
    emitBridge(assembler, request, BUFFER)
    emitConnection(assembler, request, BUFFER)
    emitOwner(assembler, request, BUFFER)
    emitSocketGroups(assembler, request, BUFFER)
    if (asksAddressType(request)) assembler.emit(store('u64', r10, STATE, r8))
    if (leftovers || [...request.fields].some(isHeaderField)) emitHeaders(assembler, request, ways, leftovers)
    emitAddressTypes(assembler, request, {
      loadNet: loadState(r7, 'net'),
      loadDevice: limit => loadState(r8, limit),
    })
    assembler.emit(jump(request.ready))
  }
}

/** All that is counted of a packet that no rule looks at. Registers that have to be kept cost each packet a store and a load, so none but r6 is used. */
const emitLength = (assembler: Assembler, { record, ready }: PrologueRequest): void =>
  assembler.emit(
    loadMember('u64', r1, r1, 'bpf_nf_ctx', 'skb'),
    loadMember('u32', r2, r1, 'sk_buff', 'len'),
    ...clearRecord(record),
    store('u32', r6, LENGTH_OFFSET, r2),
    jump(ready),
  )

/** dst = a pointer of the hook's state, as a number. */
const loadState = (dst: Register, member: 'net' | 'in' | 'out'): Instruction[] => [
  load('u64', r3, r10, STATE),
  ...peekPointer(dst, r3, 'nf_hook_state', member),
]

const besideHeaders: ReadonlySet<FieldName> = new Set<FieldName>([
  'iif',
  'oif',
  'iif-group',
  'oif-group',
  'mac',
  'mark',
  'cpu',
  'realm',
  'socket',
  'uid',
  'gid',
  'groups',
  'classid',
  'cgroup',
  ...bridgeFields,
  ...clockFields,
  ...connectionFields,
])

const isHeaderField = (field: FieldName): boolean => !besideHeaders.has(field)

function emitHeaders(
  assembler: Assembler,
  request: PrologueRequest,
  { pass, refuse }: Ways,
  leftovers: boolean,
): void {
  if (leftovers) emitListed(assembler, request.family)
  const check = (): void => {
    const left = assembler.label('left')
    assembler.emit(jumpIf('==', r8, immediate(0), left))
    emitPlainCheck(assembler, request.family, left)
    assembler.emit(...loadReassembled(request.family), jumpIf('==', r1, immediate(0), pass, 32))
    assembler.place(left)
  }
  emitIp(assembler, request, {
    read: readerOf(request.family),
    readAny,
    readLinear,
    scratch: scratchOf(request),
    missing: refuse,
    ...(leftovers && { check }),
  })
}

const readAny: HeaderReader = (assembler, _, size, missing) => readTransport(assembler, size, missing)

/** skb->pkt_type is a bit field of three bits, the lowest of the byte that __pkt_type_offset marks on little-endian machines. */
const loadPacketType = (): Instruction[] => [
  loadMember('u8', r1, r7, 'sk_buff', '__pkt_type_offset'),
  andImmediate(r1, 7),
]

/** What the skb says of the packet besides its headers. */
function emitPacket(assembler: Assembler, request: PrologueRequest): void {
  const { fields } = request
  if (fields.has('packet-type')) assembler.emit(...loadPacketType(), storeField(request, 'packet-type', r1))
  if (fields.has('mark'))
    assembler.emit(loadMember('u32', r1, r7, 'sk_buff', 'mark'), storeField(request, 'mark', r1))
  if (fields.has('cpu')) assembler.emit(call('bpf_get_smp_processor_id'), storeField(request, 'cpu', r0))
  if (fields.has('mac')) emitMac(assembler, request)
  if (fields.has('eui64')) emitInterfaceId(assembler, request, 'checked')
  if (fields.has('realm'))
    assembler.emit(
      loadMember('u64', r1, r7, 'sk_buff', '_skb_refdst'),
      andImmediate(r1, ~DST_NOREF),
      typeId(r2, 'dst_entry'),
      callKfunc('bpf_rdonly_cast'),
      loadMember('u32', r1, r0, 'dst_entry', 'tclassid'),
      storeField(request, 'realm', r1),
    )
}

/** SKB_DST_NOREF, beside the pointer in skb->_skb_refdst. */
const DST_NOREF = 1

/** Whether plain packets that came as this one did are judged at ingress alone: r8 becomes 1 where they are, else 0. */
function emitListed(assembler: Assembler, family: Family): void {
  const none = assembler.label('not_judged')
  const judged = assembler.label('judged')
  const loadDevice = [loadMember('u64', r1, r8, 'nf_hook_state', 'in')]
  assembler.emit(
    ...loadDevice,
    jumpIf('==', r1, immediate(0), none),
    mov(r2, r1),
    ...loadPacketType(),
    jumpIf('==', r1, immediate(PACKET_LOOPBACK), none),
    loadMember('u8', r1, r7, 'sk_buff', 'active_extensions'),
    jumpIf('!=', r1, immediate(0), none),
    loadMember('u32', r2, r2, 'net_device', 'ifindex'),
    store('u32', r10, BUFFER, r2),
    mov(r2, r10),
    addImmediate(r2, BUFFER),
    loadMap(r1, interfaceMap.name),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), none),
    load('u32', r1, r0, 0),
    jumpIf('!=', r1, immediate(judging.ingress), none, 32),
  )
  emitAttached(assembler, loadDevice, none)
  const destination = (): void => assembler.emit(mov(r1, r7), ...loadDestination())
  emitFit(assembler, { loadDevice, destination, scratch: BUFFER, odd: none })
  const loadNet = [loadMember('u64', r1, r8, 'nf_hook_state', 'net')]
  emitAside(assembler, { family, loadNet, scratch: BUFFER }, none)
  assembler.emit(movImmediate(r8, 1), jump(judged))
  assembler.place(none)
  assembler.emit(movImmediate(r8, 0))
  assembler.place(judged)
}

/** Offsets of frag_max_size in struct inet_skb_parm and struct inet6_skb_parm, which lie in skb->cb; not 0 for a datagram put together from fragments. */
const FRAG_MAX_SIZE: Readonly<Record<Family, number>> = { 4: 22, 6: 18 }

const loadReassembled = (family: Family) => [
  mov(r1, r7),
  addImmediate(r1, FRAG_MAX_SIZE[family]),
  loadMember('u16', r1, r1, 'sk_buff', 'cb'),
]

/** Kernel structures as long as the headers they stand for: a pointer cast to one may be read through, whatever lies there. */
const castTo = (struct: string): Instruction[] => [typeId(r2, struct), callKfunc('bpf_rdonly_cast')]

/** The kernel has pulled the IP header into the linear part before any chain, so it is where skb->data says. */
const readIpHeader = (assembler: Assembler, family: Family): void =>
  assembler.emit(loadMember('u64', r1, r7, 'sk_buff', 'data'), ...castTo(family === 4 ? 'iphdr' : 'ipv6hdr'))

/** Reads `size` bytes at the offset in r8: at once where they lie in the linear part, as they nearly always do, else through a dynptr. */
function readTransport(assembler: Assembler, size: number, missing: Label): void {
  const slow = assembler.label('not_linear')
  const found = assembler.label('header')
  loadLinear(assembler, size, slow)
  assembler.emit(jump(found))
  assembler.place(slow)
  assembler.emit(jumpIf('>', r1, register(r9), missing, 32))
  loadSlice(assembler, size, missing)
  assembler.place(found)
  // whichever way it was found, since one load cannot be through two kinds of pointers
  assembler.emit(...castTo(ANY_BYTES))
}

const readLinear: HeaderReader = (assembler, _, size, missing) => {
  loadLinear(assembler, size, missing)
  assembler.emit(...castTo(ANY_BYTES))
}

/** An address is 16 bytes without a structure of their own. */
const ANY_BYTES = 'in6_addr'

/** r1 = the address of `size` bytes at the offset in r8; goes to `slow`, with r1 = the offset of their end, where they are not all in the linear part. */
function loadLinear(assembler: Assembler, size: number, slow: Label): void {
  assembler.emit(
    load('u64', r3, r10, SKB),
    loadMember('u32', r1, r3, 'sk_buff', 'data_len'),
    mov32(r2, r9),
    sub32(r2, r1),
    mov32(r1, r8),
    addImmediate32(r1, size),
    jumpIf('>', r1, register(r2), slow, 32),
    loadMember('u64', r1, r3, 'sk_buff', 'data'),
    add(r1, r8),
  )
}

/** r1 = the address of `size` bytes at the offset in r8, or of a copy; goes to `missing` where the packet ends before. */
function loadSlice(assembler: Assembler, size: number, missing: Label): void {
  const dynptr = (register: Register): Instruction[] => [mov(register, r10), addImmediate(register, DYNPTR)]
  assembler.emit(
    load('u64', r1, r10, SKB),
    movImmediate(r2, 0),
    ...dynptr(r3),
    callKfunc('bpf_dynptr_from_skb'),
    ...dynptr(r1),
    mov(r2, r8),
    mov(r3, r10),
    addImmediate(r3, BUFFER),
    movImmediate(r4, size),
    callKfunc('bpf_dynptr_slice'),
    jumpIf('==', r0, immediate(0), missing),
    mov(r1, r0),
  )
}

const readerOf =
  (family: Family): HeaderReader =>
  (assembler, at, size, missing) =>
    at === 'transport' ? readTransport(assembler, size, missing) : readIpHeader(assembler, family)

/** A device's name as a number of 128 bits. No device reads as zeros, as nulldevname in ip_tables.c. */
function emitInterface(
  assembler: Assembler,
  request: PrologueRequest,
  field: 'iif' | 'oif',
  member: 'in' | 'out',
): void {
  if (!request.fields.has(field) && !request.fields.has(`${field}-group`)) return
  const none = assembler.label('no_device')
  assembler.emit(
    loadMember('u64', r1, r8, 'nf_hook_state', member),
    jumpIf('==', r1, immediate(0), none),
    ...storeDevice(request, field),
  )
  assembler.place(none)
}
