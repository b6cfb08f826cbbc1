// Whether the kernel will deliver a packet here, asked where it is about to be dropped at ingress (hook/certain.ts). bpf_fib_lookup does not tell
// a packet that is delivered from one that has no route, and tells nothing on a device that does not forward; so the addresses are looked for in
// the kernel's own lists.
//
//     destination   an address of this network namespace (IPv4) or of the device (IPv6); where there are policy rules, bpf_fib_lookup must not
//                   find a way out either
//     source        IPv4 only, as fib_validate_source (net/ipv4/fib_frontend.c) asks: without rp_filter it must not be an address of this
//                   namespace, unless accept_local; with rp_filter the way back must be known, and be by the device where the filter is strict
//
// Registers:   r6 the record    r7 struct net_device *    r8 where the walk is    r9 whether the destination is ours
//
// Stack, from FREE on:   0 the list's head    8 the iterator    16 the next address    24 how the source is judged    32 rp_filter

import { addImmediate, be32, be64, mov, movImmediate, or } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call, callKfunc, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, load, loadMember, store, storeImmediate, subMember, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { copyAddress } from './certain.ts'
import type { PrologueRequest } from './hook.ts'
import { ADDRESS_FAMILY, FREE, fib, type IngressAccess, loadContext, loadNet, routed } from './ingress.ts'

const HEAD = FREE
const ITERATOR = FREE + 8
const NEXT = FREE + 16
const SOURCE = FREE + 24
const RP_FILTER = FREE + 32

/** How a source is judged. */
const source = { accepted: 0, notOurs: 1, wayBack: 2 } as const

/** Devices and addresses passed before it is given up. */
const MOST_STEPS = 96

/** Goes to `pass` unless the packet will be delivered here for certain. */
export function emitDelivery(
  assembler: Assembler,
  request: PrologueRequest,
  access: IngressAccess,
  pass: Label,
): void {
  if (request.family === 4) emitSourceMode(assembler, pass)
  if (request.family === 4) emitWalk(assembler, request, pass)
  else emitDeviceWalk(assembler, request, pass)
  emitPolicyRoute(assembler, request, access, pass)
  if (request.family === 4) emitWayBack(assembler, request, access, pass)
}

const cast = (struct: string): Instruction[] => [typeId(r2, struct), callKfunc('bpf_rdonly_cast')]

/** Numbers of the settings below net.ipv4.conf (include/uapi/linux/ip.h). */
const setting = { rpFilter: 8, acceptLocal: 23 } as const

/** The setting of the device to r3 and that of all devices to r4; goes to `pass` where the device has none. Destroys r1. */
const loadSettings = (number: number, pass: Label) => [
  loadMember('u64', r3, r7, 'net_device', 'ip_ptr'),
  jumpIf('==', r3, immediate(0), pass),
  addImmediate(r3, 4 * (number - 1)),
  loadMember('u32', r3, r3, 'in_device', 'cnf', 'data'),
  ...loadNet(),
  loadMember('u64', r4, r1, 'net', 'ipv4', 'devconf_all'),
  addImmediate(r4, 4 * (number - 1)),
  loadMember('u32', r4, r4, 'ipv4_devconf', 'data'),
]

function emitSourceMode(assembler: Assembler, pass: Label): void {
  const larger = assembler.label('larger')
  const routedBack = assembler.label('routed_back')
  const strict = assembler.label('strict')
  const done = assembler.label('source')
  assembler.emit(
    ...loadSettings(setting.rpFilter, pass),
    jumpIf('>=', r3, register(r4), larger, 32),
    mov(r3, r4),
  )
  assembler.place(larger)
  assembler.emit(
    store('u64', r10, RP_FILTER, r3),
    storeImmediate('u64', r10, SOURCE, source.wayBack),
    jumpIf('!=', r3, immediate(0), routedBack, 32),
    loadMember('u32', r2, r1, 'net', 'ipv4', 'fib_num_tclassid_users'),
    jumpIf('!=', r2, immediate(0), routedBack, 32),
    ...loadSettings(setting.acceptLocal, pass),
    or(r3, r4),
    storeImmediate('u64', r10, SOURCE, source.accepted),
    jumpIf('!=', r3, immediate(0), done, 32),
    storeImmediate('u64', r10, SOURCE, source.notOurs),
    jump(strict),
  )
  assembler.place(routedBack)
  assembler.emit(...loadNet())
  assembler.place(strict)
  // policy rules look at more than is asked here
  assembler.emit(
    loadMember('u8', r2, r1, 'net', 'ipv4', 'fib_has_custom_rules'),
    jumpIf('!=', r2, immediate(0), pass, 32),
    loadMember('u8', r2, r1, 'net', 'ipv4', 'fib_has_custom_local_routes'),
    jumpIf('!=', r2, immediate(0), pass, 32),
  )
  assembler.place(done)
}

/** struct list_head */
const PREVIOUS = 8

/** Begins a walk along the list whose head r1 points to: r8 is its first node, or the head, and the turns it may take are in r3. */
const beginWalk = (): Instruction[] => [
  ...cast('in6_addr'),
  load('u64', r8, r0, 0),
  storeImmediate('u64', r10, NEXT, 0),
  movImmediate(r9, 0),
  // the node before the first is the head
  mov(r1, r8),
  ...cast('in6_addr'),
  load('u64', r1, r0, PREVIOUS),
  store('u64', r10, HEAD, r1),
  movImmediate(r3, MOST_STEPS),
]

/** The structure around the node in r8 to r0. */
const aroundNode = (struct: string, member: string): Instruction[] => [
  mov(r1, r8),
  subMember(r1, struct, member),
  ...cast(struct),
]

/** Along the IPv4 addresses of all devices: the destination must be among them, and the source must not where that is asked. */
function emitWalk(assembler: Assembler, { record }: PrologueRequest, pass: Label): void {
  const address = assembler.label('address')
  const destination = assembler.label('destination')
  const lost = assembler.label('lost')
  assembler.emit(...loadNet(), addMember(r1, 'net', 'dev_base_head'), ...beginWalk())
  const turn = (next: Label, done: Label): void => {
    assembler.emit(
      load('u64', r1, r10, NEXT),
      jumpIf('!=', r1, immediate(0), address),
      load('u64', r1, r10, HEAD),
      jumpIf('==', r8, register(r1), done),
      ...aroundNode('net_device', 'dev_list'),
      loadMember('u64', r1, r0, 'net_device', 'ip_ptr'),
      loadMember('u64', r1, r1, 'in_device', 'ifa_list'),
      store('u64', r10, NEXT, r1),
      mov(r1, r8),
      ...cast('in6_addr'),
      load('u64', r8, r0, 0),
      jump(next),
    )
    assembler.place(address)
    assembler.emit(
      ...cast('in_ifaddr'),
      loadMember('u32', r2, r0, 'in_ifaddr', 'ifa_local'),
      loadMember('u64', r1, r0, 'in_ifaddr', 'ifa_next'),
      store('u64', r10, NEXT, r1),
      be32(r2),
      load('u32', r3, r6, record.offset('saddr')),
      jumpIf('!=', r2, register(r3), destination, 32),
      load('u64', r1, r10, SOURCE),
      jumpIf('==', r1, immediate(source.notOurs), lost),
    )
    assembler.place(destination)
    assembler.emit(
      load('u32', r3, r6, record.offset('daddr')),
      jumpIf('!=', r2, register(r3), next, 32),
      movImmediate(r9, 1),
      jump(next),
    )
    assembler.place(lost)
    assembler.emit(movImmediate(r9, 0), jump(done))
  }
  emitTimes(assembler, turn, { place: ITERATOR, over: lost })
  assembler.emit(jumpIf('==', r9, immediate(0), pass))
}

/** IFA_F_OPTIMISTIC, IFA_F_DADFAILED, IFA_F_TENTATIVE (include/uapi/linux/if_addr.h): not yet, or never, an address to be reached by. */
const UNSETTLED = 0x04 | 0x08 | 0x40

/** Along the IPv6 addresses of the device, among which the destination must be. */
function emitDeviceWalk(assembler: Assembler, { record }: PrologueRequest, pass: Label): void {
  const offset = record.offset('daddr')
  assembler.emit(
    loadMember('u64', r1, r7, 'net_device', 'ip6_ptr'),
    jumpIf('==', r1, immediate(0), pass),
    addMember(r1, 'inet6_dev', 'addr_list'),
    ...beginWalk(),
  )
  const turn = (next: Label, done: Label): void =>
    assembler.emit(
      load('u64', r1, r10, HEAD),
      jumpIf('==', r8, register(r1), done),
      ...aroundNode('inet6_ifaddr', 'if_list'),
      loadMember('u32', r4, r0, 'inet6_ifaddr', 'flags'),
      mov(r3, r0),
      loadMember('u64', r1, r3, 'inet6_ifaddr', 'addr'),
      addImmediate(r3, 8),
      loadMember('u64', r2, r3, 'inet6_ifaddr', 'addr'),
      be64(r1),
      be64(r2),
      loadMember('u64', r8, r0, 'inet6_ifaddr', 'if_list'),
      load('u64', r5, r6, offset),
      jumpIf('!=', r1, register(r5), next),
      load('u64', r5, r6, offset + 8),
      jumpIf('!=', r2, register(r5), next),
      jumpIf('&', r4, immediate(UNSETTLED), done, 32),
      movImmediate(r9, 1),
      jump(done),
    )
  emitTimes(assembler, turn, { place: ITERATOR })
  assembler.emit(jumpIf('==', r9, immediate(0), pass))
}

/** BPF_FIB_LOOKUP_SKIP_NEIGH: a way is enough, whoever is at its end. */
const SKIP_NEIGHBOUR = 4

/** Asks for the way from one address of the record to the other; the answer is in r0. */
function emitLookup(
  assembler: Assembler,
  request: PrologueRequest,
  { loadIndex }: IngressAccess,
  from: 'saddr' | 'daddr',
): void {
  const { family, record } = request
  for (let offset = 0; offset < fib.size; offset += 8)
    assembler.emit(storeImmediate('u64', r10, FREE + offset, 0))
  assembler.emit(
    storeImmediate('u8', r10, FREE + fib.family, ADDRESS_FAMILY[family]),
    load('u8', r1, r6, fixedOffsets.protocol),
    store('u8', r10, FREE + fib.protocol, r1),
    ...(family === 4 ? [load('u8', r1, r6, record.offset('tos')), store('u8', r10, FREE + fib.tos, r1)] : []),
    ...copyAddress(request, from, FREE + fib.source),
    ...copyAddress(request, from === 'saddr' ? 'daddr' : 'saddr', FREE + fib.destination),
    loadContext(),
    loadIndex,
    store('u32', r10, FREE + fib.index, r1),
    loadContext(),
    mov(r2, r10),
    addImmediate(r2, FREE),
    movImmediate(r3, fib.size),
    movImmediate(r4, SKIP_NEIGHBOUR),
    call('bpf_fib_lookup'),
  )
}

/** Where there are policy rules, one of them may send even an address of ours elsewhere. */
function emitPolicyRoute(
  assembler: Assembler,
  request: PrologueRequest,
  access: IngressAccess,
  pass: Label,
): void {
  const none = assembler.label('no_policy')
  const rules = request.family === 4 ? ['ipv4', 'fib_has_custom_rules'] : ['ipv6', 'fib6_has_custom_rules']
  assembler.emit(
    ...loadNet(),
    loadMember('u8', r2, r1, 'net', ...rules),
    jumpIf('==', r2, immediate(0), none, 32),
    load('u64', r8, r10, SOURCE),
    load('u64', r9, r10, RP_FILTER),
  )
  emitLookup(assembler, request, access, 'saddr')
  assembler.emit(
    jumpIf('!=', r0, immediate(routed.notForwarded), pass),
    store('u64', r10, SOURCE, r8),
    store('u64', r10, RP_FILTER, r9),
  )
  assembler.place(none)
}

/** rp_filter */
const STRICT = 1

function emitWayBack(
  assembler: Assembler,
  request: PrologueRequest,
  access: IngressAccess,
  pass: Label,
): void {
  const done = assembler.label('way_back')
  assembler.emit(
    load('u64', r8, r10, RP_FILTER),
    load('u64', r1, r10, SOURCE),
    jumpIf('!=', r1, immediate(source.wayBack), done),
  )
  emitLookup(assembler, request, access, 'daddr')
  assembler.emit(
    jumpIf('!=', r0, immediate(routed.success), pass),
    jumpIf('!=', r8, immediate(STRICT), done),
    load('u32', r2, r10, FREE + fib.index),
    loadContext(),
    access.loadIndex,
    jumpIf('!=', r1, register(r2), pass, 32),
  )
  assembler.place(done)
}
