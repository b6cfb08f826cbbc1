// What the xdp and tc ingress prologues share: is the packet one that the kernel will deliver here, and can it be judged before that?
//
// Registers:   r7  count of extension headers     r8  where the transport header begins     r9  L3 bytes
//
// Stack:   fp-8    the context
//          fp-16   bytes before the IP header: at xdp of the frame, at tc from the network header on
//          fp-80   struct bpf_fib_lookup
//          fp-120  tc: buffer for headers
//          fp-144  scratch for the walk along TCP options
//          below   the record

import type { Family } from 'iptables-parser'
import { add, addImmediate, andImmediate, be16, mov, mov32, movImmediate, rshImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call, callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMap, loadMember, store, storeImmediate } from '../asm/memory.ts'
import { numberOf, peekPointer } from '../asm/peek.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { clearRecord, LENGTH_OFFSET, type RecordLayout } from '../emit/record.ts'
import { emitAddressTypes } from './address-type.ts'
import { emitAside } from './aside.ts'
import { interfaceMap, storeDevice } from './device.ts'
import { emitFit } from './fit.ts'
import type { PrologueRequest } from './hook.ts'
import { emitIp, ipHeaderSize } from './ip.ts'
import { emitPlainCheck } from './plain.ts'
import type { HeaderReader } from './transport.ts'

export const CONTEXT = -8
export const LINK_BYTES = CONTEXT - 8
const FIB = LINK_BYTES - 64
/** So many bytes are anyone's from here on, when no route is being asked for. */
export const FREE = FIB
export const BUFFER = FIB - 40
const SCRATCH = BUFFER - 24

/** Keeps the context, and makes an empty record, which r6 points to from then on. */
export const emitStack = (assembler: Assembler, record: RecordLayout): void =>
  assembler.emit(
    store('u64', r10, CONTEXT, r1),
    mov(r6, r10),
    addImmediate(r6, SCRATCH - record.size),
    ...clearRecord(record),
  )

/** 802.1Q, 802.1ad */
export const vlanTypes = [0x8100, 0x88a8] as const
export const TAG_BYTES = 4
/** The priority and the "drop eligible" bit of a tag do not count. */
export const VLAN_ID = 0x0fff
/**
 * Tags with VLAN 0 only carry a priority, and the kernel takes such a frame as if it had none, however many there are (vlan_do_receive,
 * __netif_receive_skb_core). Frames with more are dropped: behind these hooks they would be taken for judged.
 */
export const MOST_TAGS = 4

/** How a hook gets at the packet. */
export interface IngressAccess {
  readonly read: HeaderReader
  readonly readAny: HeaderReader
  /** Emits a check that the L3 bytes in r9 are there, going to `missing` where they are not; the IP header may be lost from r0. */
  checkLength(assembler: Assembler, missing: Label): void
  /** Emits code that fills the fields of the link layer. */
  link(assembler: Assembler, request: PrologueRequest, pass: Label): void
  /** Loads the index of the device the packet came in on into r1; the context is in r1. */
  readonly loadIndex: Instruction
  /** Loads the device itself into r1; the kernel's own context is in r0. */
  readonly loadDevice: readonly Instruction[]
  /** Loads the address that the frame is for: its first four bytes into r1 and its last two into r2, as they stand. */
  destination(assembler: Assembler, missing: Label): void
  /** Goes to `decrypted` with packets that came in another packet, which IPsec opened: nf-input sees them as if they had come in by themselves. */
  whole(assembler: Assembler, decrypted: Label): void
  /** Goes to `others` where programs of others see the packet at this hook or behind it. The device is in r7. */
  lone(assembler: Assembler, others: Label): void
  /** The kernel function that looks connections up. */
  readonly connectionLookup: 'bpf_xdp_ct_lookup' | 'bpf_skb_ct_lookup'
}

export const loadContext = (): Instruction => load('u64', r1, r10, CONTEXT)

/** A family whose packets are judged, its ethertype, and where to go with a packet of it. */
export interface IngressFamily {
  readonly request: PrologueRequest
  readonly type: number
  readonly label: Label
}

const etherType = { 4: 0x0800, 6: 0x86dd } as const

/** The labels are named after what the hook is given: frames or packets. */
export const familiesOf = (
  assembler: Assembler,
  requests: readonly PrologueRequest[],
  what: string,
): IngressFamily[] =>
  requests.map(request => ({
    request,
    type: etherType[request.family],
    label: assembler.label(`${what}_ipv${request.family}`),
  }))

/** What lies behind each family's label. */
export function emitFamilies(
  assembler: Assembler,
  families: readonly IngressFamily[],
  access: IngressAccess,
  pass: Label,
): void {
  for (const { request, label } of families) {
    assembler.place(label)
    emitIngress(assembler, request, access, pass)
    assembler.emit(jump(request.ready))
  }
}

/** Fills the record for a packet of the family, or goes to `pass`. */
function emitIngress(
  assembler: Assembler,
  request: PrologueRequest,
  access: IngressAccess,
  pass: Label,
): void {
  const { family } = request
  if (!request.standalone && !request.early) emitAlone(assembler, family, access, pass)
  if (request.fields.has('iif') || request.fields.has('iif-group')) emitInterface(assembler, request, access)
  access.link(assembler, request, pass)
  const check = (): void => {
    emitPlainCheck(assembler, family, pass)
    if (family === 4) emitIpv4Checks(assembler, pass)
    else emitIpv6Checks(assembler, pass)
    assembler.emit(store('u32', r6, LENGTH_OFFSET, r9))
    if (!request.early) emitRoute(assembler, family, access, pass)
    access.checkLength(assembler, pass)
    access.read(assembler, 0, ipHeaderSize[family], pass)
  }
  const { read, readAny } = access
  emitIp(assembler, request, { read, readAny, scratch: SCRATCH, missing: pass, check, plain: true })
  const loadDevice = [...loadKernelDevice(access), ...numberOf(r8, r1, FIB)]
  emitAddressTypes(assembler, request, {
    loadNet: [...loadDevice, ...peekPointer(r7, r8, 'net_device', 'nd_net')],
    loadDevice: () => loadDevice,
  })
}

/** Loads the device into r7, and goes to `odd` where the frame is not one to be judged at ingress (hook/fit.ts). */
export function emitDeviceFit(assembler: Assembler, access: IngressAccess, odd: Label): void {
  assembler.emit(loadContext(), callKfunc('bpf_cast_to_kern_ctx'), ...access.loadDevice, mov(r7, r1))
  emitFit(assembler, {
    loadDevice: [mov(r1, r7)],
    destination: access.destination,
    scratch: FREE,
    odd,
  })
}

/** Goes to `pass` with packets that nf-input judges, for whatever reason. */
function emitAlone(assembler: Assembler, family: Family, access: IngressAccess, pass: Label): void {
  emitListed(assembler, access, pass)
  emitDeviceFit(assembler, access, pass)
  access.whole(assembler, pass)
  emitAside(assembler, { family, loadNet: loadNet(), scratch: FREE }, pass)
}

/** The network namespace of the device in r7. */
export const loadNet = (): Instruction[] => [loadMember('u64', r1, r7, 'net_device', 'nd_net')]

/** A length in network order from the header in r0 to r9. Verifiers up to Linux 6.1 forget with the swap that it has 16 bits. */
const loadLength = (offset: number): Instruction[] => [
  load('u16', r9, r0, offset),
  be16(r9),
  andImmediate(r9, 0xffff),
]

/** What ip_rcv drops before any chain: a length that cannot be, a wrong checksum. The header is plain, so it has 20 bytes. */
function emitIpv4Checks(assembler: Assembler, pass: Label): void {
  assembler.emit(...loadLength(2), jumpIf('<', r9, immediate(ipHeaderSize[4]), pass, 32))
  assembler.emit(movImmediate(r1, 0))
  for (let offset = 0; offset < ipHeaderSize[4]; offset += 4)
    assembler.emit(load('u32', r2, r0, offset), add(r1, r2))
  assembler.emit(...foldChecksum(), jumpIf('!=', r1, immediate(0xffff), pass, 32))
}

/** The one's complement sum of 16 bits out of one of 64 in r1 (RFC 1071). */
const foldChecksum = (): Instruction[] => [
  mov(r2, r1),
  rshImmediate(r2, 32),
  mov32(r1, r1),
  add(r1, r2),
  ...[0, 1, 2].flatMap(() => [mov(r2, r1), rshImmediate(r2, 16), andImmediate(r1, 0xffff), add(r1, r2)]),
]

/** What ip6_rcv drops before any chain: another version. */
function emitIpv6Checks(assembler: Assembler, pass: Label): void {
  assembler.emit(
    load('u8', r1, r0, 0),
    rshImmediate(r1, 4),
    jumpIf('!=', r1, immediate(6), pass, 32),
    ...loadLength(4),
    addImmediate(r9, ipHeaderSize[6]),
  )
}

/** Offsets in struct bpf_fib_lookup (include/uapi/linux/bpf.h). */
export const fib = {
  family: 0,
  protocol: 1,
  index: 8,
  tos: 12,
  source: 16,
  destination: 32,
  size: 64,
} as const
export const ADDRESS_FAMILY: Readonly<Record<Family, number>> = { 4: 2, 6: 10 }
/** BPF_FIB_LKUP_RET_*. On a host that does not forward every packet it keeps is its own. */
export const routed = { success: 0, notForwarded: 4, forwardingDisabled: 5 } as const

/** Goes to `pass` with packets that are routed through. The IP header is in r0, and is lost from it. */
function emitRoute(assembler: Assembler, family: Family, access: IngressAccess, pass: Label): void {
  const here = assembler.label('here')
  for (let offset = 0; offset < fib.size; offset += 8)
    assembler.emit(storeImmediate('u64', r10, FIB + offset, 0))
  assembler.emit(storeImmediate('u8', r10, FIB + fib.family, ADDRESS_FAMILY[family]))
  assembler.emit(
    ...copyAddresses(family),
    loadContext(),
    access.loadIndex,
    store('u32', r10, FIB + fib.index, r1),
  )
  assembler.emit(
    loadContext(),
    mov(r2, r10),
    addImmediate(r2, FIB),
    movImmediate(r3, fib.size),
    movImmediate(r4, 0),
    call('bpf_fib_lookup'),
  )
  assembler.emit(
    jumpIf('==', r0, immediate(routed.notForwarded), here),
    jumpIf('!=', r0, immediate(routed.forwardingDisabled), pass),
  )
  assembler.place(here)
}

function copyAddresses(family: Family): Instruction[] {
  const copy = (size: 'u8' | 'u32' | 'u64', from: number, to: number) => [
    load(size, r1, r0, from),
    store(size, r10, FIB + to, r1),
  ]
  if (family === 4)
    return [
      ...copy('u8', 9, fib.protocol),
      ...copy('u8', 1, fib.tos),
      ...copy('u32', 12, fib.source),
      ...copy('u32', 16, fib.destination),
    ]
  const halves = [0, 8].flatMap(half => [
    ...copy('u64', 8 + half, fib.source + half),
    ...copy('u64', 24 + half, fib.destination + half),
  ])
  return [...copy('u8', 6, fib.protocol), ...halves]
}

/** Goes to `pass` with packets of devices that are not listed. */
function emitListed(assembler: Assembler, { loadIndex }: IngressAccess, pass: Label): void {
  assembler.emit(
    loadContext(),
    loadIndex,
    store('u32', r10, FIB, r1),
    mov(r2, r10),
    addImmediate(r2, FIB),
    loadMap(r1, interfaceMap.name),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), pass),
  )
}

/** Loads the device the packet came in on into r1. */
const loadKernelDevice = ({ loadDevice }: IngressAccess): Instruction[] => [
  loadContext(),
  callKfunc('bpf_cast_to_kern_ctx'),
  ...loadDevice,
]

const emitInterface = (assembler: Assembler, request: PrologueRequest, access: IngressAccess): void =>
  assembler.emit(...loadKernelDevice(access), ...storeDevice(request, 'iif'))
