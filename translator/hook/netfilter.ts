// The netfilter hooks: BPF_NETFILTER programs see an skb as the filter table sees it. Its headers are read through a dynptr, which also
// reaches what does not lie in the linear part.
//
// Registers of the prologue:   r7  struct sk_buff *, later a count of extension headers
//                              r8  struct nf_hook_state *, then whether the device is listed, later where the transport header begins
//                              r9  L3 bytes
//
// Stack below the record:      fp-96   struct bpf_dynptr
//                              fp-136  buffer of 40 bytes for headers that have to be copied

import type { Family } from 'iptables-parser'
import {
  addImmediate,
  andImmediate,
  mov,
  movImmediate,
  rshImmediate,
  sub32,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { call, callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import { load, loadMap, loadMember, store, storeImmediate, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { clearRecord, LENGTH_OFFSET, RECORD_SIZE, recordOffsets } from '../emit/record.ts'
import { ctstate, type FieldName } from '../field.ts'
import { interfaceMap, judging, storeDeviceName } from './device.ts'
import type { HookFrame, PrologueRequest, Ways } from './hook.ts'
import { emitIp } from './ip.ts'
import { emitPlainCheck } from './plain.ts'
import type { HeaderReader } from './transport.ts'

const DYNPTR = -(RECORD_SIZE + 16)
const BUFFER = DYNPTR - 40

/** NF_DROP and NF_ACCEPT (include/uapi/linux/netfilter.h); a BPF_NETFILTER program may yield no other. */
const verdicts = { drop: 0, accept: 1 } as const

/** Judges every packet. */
export const netfilterFrame: HookFrame = { verdicts, maps: [], prologue: prologueOf(false) }

/** Judges the packets that xdp or tc have left, and accepts all others uncounted. */
export const leftoverFrame: HookFrame = { verdicts, maps: [interfaceMap], prologue: prologueOf(true) }

function prologueOf(leftovers: boolean): HookFrame['prologue'] {
  return (assembler, [request], ways) => {
    // a netfilter link is one family's, and so is its program
    if (!request) return
    assembler.emit(
      mov(r6, r10),
      addImmediate(r6, -RECORD_SIZE),
      loadMember('u64', r7, r1, 'bpf_nf_ctx', 'skb'),
      loadMember('u64', r8, r1, 'bpf_nf_ctx', 'state'),
      loadMember('u32', r9, r7, 'sk_buff', 'len'),
      ...clearRecord(),
      store('u32', r6, LENGTH_OFFSET, r9),
    )
    emitInterface(assembler, request, 'iif', 'in')
    emitInterface(assembler, request, 'oif', 'out')
    emitConntrack(assembler, request)
    if (leftovers || [...request.fields].some(isHeaderField)) emitHeaders(assembler, request, ways, leftovers)
    assembler.emit(jump(request.ready))
  }
}

const isHeaderField = (field: FieldName): boolean => !['iif', 'oif', 'ctstate', 'ctnat'].includes(field)

function emitHeaders(
  assembler: Assembler,
  request: PrologueRequest,
  { pass, refuse }: Ways,
  leftovers: boolean,
): void {
  assembler.emit(
    mov(r1, r7),
    movImmediate(r2, 0),
    mov(r3, r10),
    addImmediate(r3, DYNPTR),
    callKfunc('bpf_dynptr_from_skb'),
  )
  if (leftovers) emitListed(assembler)
  const check = (): void => {
    const left = assembler.label('left')
    assembler.emit(jumpIf('==', r8, immediate(0), left))
    emitPlainCheck(assembler, request.family, left)
    assembler.emit(...loadReassembled(request.family), jumpIf('==', r1, immediate(0), pass, 32))
    assembler.place(left)
  }
  emitIp(assembler, request, { read: readHeader, missing: refuse, ...(leftovers && { check }) })
}

/** skb->pkt_type is a bit field of three bits, the lowest of its byte on little-endian machines. */
const PACKET_TYPE_BITS = 7
/** A copy of a broadcast or multicast packet sent from here: it enters above the hooks of its device (dev_loopback_xmit). */
export const PACKET_LOOPBACK = 5

/** Whether plain packets of the device are judged at ingress alone: r8 becomes 1 where they are, else 0. */
function emitListed(assembler: Assembler): void {
  const none = assembler.label('no_device')
  assembler.emit(
    loadMember('u64', r1, r8, 'nf_hook_state', 'in'),
    movImmediate(r8, 0),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u8', r2, r7, 'sk_buff', 'pkt_type'),
    andImmediate(r2, PACKET_TYPE_BITS),
    jumpIf('==', r2, immediate(PACKET_LOOPBACK), none),
    loadMember('u32', r2, r1, 'net_device', 'ifindex'),
    store('u32', r10, BUFFER, r2),
    mov(r2, r10),
    addImmediate(r2, BUFFER),
    loadMap(r1, interfaceMap.name),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), none),
    load('u32', r1, r0, 0),
    jumpIf('!=', r1, immediate(judging.ingress), none, 32),
    movImmediate(r8, 1),
  )
  assembler.place(none)
}

/** Offsets of frag_max_size in struct inet_skb_parm and struct inet6_skb_parm, which lie in skb->cb; not 0 for a datagram put together from fragments. */
const FRAG_MAX_SIZE: Readonly<Record<Family, number>> = { 4: 22, 6: 18 }

const loadReassembled = (family: Family) => [
  mov(r1, r7),
  addImmediate(r1, FRAG_MAX_SIZE[family]),
  loadMember('u16', r1, r1, 'sk_buff', 'cb'),
]

/** Reads `size` bytes at a constant offset, or at the offset in r8, to r0; goes to `missing` where the packet ends before. */
const readHeader: HeaderReader = (assembler, at, size, missing) => {
  assembler.emit(
    mov(r1, r10),
    addImmediate(r1, DYNPTR),
    at === 'transport' ? mov(r2, r8) : movImmediate(r2, at),
    mov(r3, r10),
    addImmediate(r3, BUFFER),
    movImmediate(r4, size),
    callKfunc('bpf_dynptr_slice'),
    jumpIf('==', r0, immediate(0), missing),
  )
}

/** A device's name as a number of 128 bits. No device reads as zeros, as nulldevname in ip_tables.c. */
function emitInterface(
  assembler: Assembler,
  { fields }: PrologueRequest,
  field: 'iif' | 'oif',
  member: 'in' | 'out',
): void {
  if (!fields.has(field)) return
  const none = assembler.label('no_device')
  assembler.emit(
    loadMember('u64', r1, r8, 'nf_hook_state', member),
    jumpIf('==', r1, immediate(0), none),
    ...storeDeviceName(field),
  )
  assembler.place(none)
}

/** skb->_nfct holds a pointer to the connection, and how the packet belongs to it in the lowest three bits (include/linux/skbuff.h). */
const INFO_MASK = 7
/** enum ip_conntrack_info: states of the original direction, then the same of the reply. */
const IP_CT_IS_REPLY = 3
const IP_CT_UNTRACKED = 7
/** IPS_SRC_NAT_BIT; IPS_DST_NAT_BIT is the next (enum ip_conntrack_status). */
const SRC_NAT_BIT = 4

function emitConntrack(assembler: Assembler, { fields }: PrologueRequest): void {
  if (!fields.has('ctstate') && !fields.has('ctnat')) return
  const none = assembler.label('no_connection')
  const original = assembler.label('original')
  const done = assembler.label('conntrack')
  assembler.emit(
    loadMember('u64', r1, r7, 'sk_buff', '_nfct'),
    mov(r2, r1),
    andImmediate(r2, INFO_MASK),
    andImmediate(r1, ~INFO_MASK),
  )
  assembler.emit(jumpIf('==', r1, immediate(0), none))
  assembler.emit(jumpIf('<', r2, immediate(IP_CT_IS_REPLY), original), subImmediate(r2, IP_CT_IS_REPLY))
  assembler.place(original)
  // ESTABLISHED, RELATED, NEW are 0, 1, 2 there and count down to 1 here
  assembler.emit(
    movImmediate(r3, ctstate.ESTABLISHED),
    sub32(r3, r2),
    store('u8', r6, recordOffsets.ctstate, r3),
  )
  if (fields.has('ctnat')) emitTranslated(assembler)
  assembler.emit(jump(done))
  assembler.place(none)
  assembler.emit(
    jumpIf('!=', r2, immediate(IP_CT_UNTRACKED), done),
    storeImmediate('u8', r6, recordOffsets.ctstate, ctstate.UNTRACKED),
  )
  assembler.place(done)
}

function emitTranslated(assembler: Assembler): void {
  assembler.emit(
    typeId(r2, 'nf_conn'),
    callKfunc('bpf_rdonly_cast'),
    loadMember('u64', r1, r0, 'nf_conn', 'status'),
    rshImmediate(r1, SRC_NAT_BIT),
    andImmediate(r1, 3),
    store('u8', r6, recordOffsets.ctnat, r1),
  )
}
