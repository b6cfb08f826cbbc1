// The steps of the walk that look at a leaf's routes: the first that holds the address and has a next hop that can be used is the answer.

import { add, addImmediate, andImmediate, mov, rsh, xor32 } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, load, loadMember, store, structSize, subMember } from '../asm/memory.ts'
import { peek, peekPointer, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r4, r5, r6, r7, r10 } from '../asm/register.ts'
import { addressType } from '../field.ts'
import { DEVICE, FIRST_HOP, HOP, HOPS, NEXT_HOP, ROUTE, TYPE, type Walk } from './address-walk.ts'

/** RTNH_F_DEAD and RTNH_F_LINKDOWN. */
const DEAD = 1
const LINKDOWN = 16
/** IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN, counted from 1 there. */
const IGNORE_LINKDOWN = 4 * (29 - 1)

/** The next route of the leaf in r7: whether it holds the address, and counts. */
export function emitRoute(walk: Walk): void {
  const { assembler, next, unicast } = walk
  const some = assembler.label('some_route')
  const objects = assembler.label('next_hop_object')
  assembler.emit(load('u64', r4, r10, ROUTE), jumpIf('!=', r4, immediate(0), some))
  walk.go('back')
  assembler.place(some)
  assembler.emit(
    store('u64', r10, HOP, r4),
    ...peekPointer(r1, r4, 'hlist_node', 'next'),
    store('u64', r10, ROUTE, r1),
    ...peek('u32', r5, r7, 'key_vector', 'key'),
    xor32(r5, r6),
    store('u64', r10, TYPE, r5),
    load('u64', r4, r10, HOP),
    subMember(r4, 'fib_alias', 'fa_list'),
    store('u64', r10, HOP, r4),
    ...peek('u8', r1, r4, 'fib_alias', 'fa_slen'),
    load('u64', r2, r10, TYPE),
    rsh(r2, r1),
    jumpIf('!=', r2, immediate(0), next),
    // for packets of a type of service only, and this one is of none
    loadMember('u8', r1, r0, 'fib_alias', 'fa_dscp'),
    jumpIf('!=', r1, immediate(0), next),
    loadMember('u8', r1, r0, 'fib_alias', 'fa_type'),
    store('u64', r10, TYPE, r1),
    load('u64', r4, r10, HOP),
    ...peekPointer(r4, r4, 'fib_alias', 'fa_info'),
    store('u64', r10, HOP, r4),
    ...peek('u8', r1, r4, 'fib_info', 'fib_dead'),
    jumpIf('!=', r1, immediate(0), next),
    // blackhole and the like are errors, which leave the address what it would be without a route
    load('u64', r1, r10, TYPE),
    jumpIf('>', r1, immediate(addressType.MULTICAST), unicast),
    loadMember('u32', r1, r0, 'fib_info', 'fib_flags'),
    jumpIf('&', r1, immediate(DEAD), next),
    loadMember('u32', r1, r0, 'fib_info', 'fib_nhs'),
    store('u64', r10, HOPS, r1),
    load('u64', r4, r10, HOP),
    ...peekPointer(r4, r4, 'fib_info', 'nh'),
    jumpIf('!=', r4, immediate(0), objects),
    load('u64', r4, r10, HOP),
    addMember(r4, 'fib_info', 'fib_nh'),
    addMember(r4, 'fib_nh', 'nh_common'),
    store('u64', r10, HOP, r4),
    store('u64', r10, FIRST_HOP, r4),
  )
  walk.go('hop')
  assembler.place(objects)
  emitObject(walk)
}

/** The next hop object in r4 (ip nexthop): one hop, or a group of them. */
function emitObject(walk: Walk): void {
  const { assembler, unicast } = walk
  const group = assembler.label('group')
  assembler.emit(
    store('u64', r10, HOP, r4),
    ...peek('u8', r1, r4, 'nexthop', 'is_group'),
    load('u64', r4, r10, HOP),
    store('u64', r10, HOPS, r1),
    ...peekPointer(r4, r4, 'nexthop', 'nh_info'),
    store('u64', r10, HOP, r4),
    load('u64', r1, r10, HOPS),
    jumpIf('!=', r1, immediate(0), group),
    ...peek('u8', r1, r4, 'nh_info', 'reject_nh'),
    jumpIf('!=', r1, immediate(0), unicast),
    load('u64', r4, r10, HOP),
    addMember(r4, 'nh_info', 'fib_nhc'),
    store('u64', r10, FIRST_HOP, r4),
  )
  emitUsable(walk)
  walk.go('back')
  assembler.place(group)
  const several = assembler.label('several')
  assembler.emit(
    ...peek('u16', r1, r4, 'nh_group', 'num_nh'),
    load('u64', r4, r10, HOP),
    addMember(r4, 'nh_group', 'nh_entries'),
    store('u64', r10, HOP, r4),
    store('u64', r10, HOPS, r1),
    ...peekPointer(r4, r4, 'nh_grp_entry', 'nh'),
    ...peekPointer(r4, r4, 'nexthop', 'nh_info'),
    mov(r1, r4),
    addMember(r1, 'nh_info', 'fib_nhc'),
    store('u64', r10, FIRST_HOP, r1),
    load('u64', r1, r10, HOPS),
    jumpIf('!=', r1, immediate(1), several),
    ...peek('u8', r1, r4, 'nh_info', 'reject_nh'),
    jumpIf('!=', r1, immediate(0), unicast),
  )
  assembler.place(several)
  walk.go('member')
}

/** Takes the next of the hops or entries that are left, of a structure's size, to r4; goes to `none` where there is none. */
const takeHop = (struct: string, none: Label): Instruction[] => [
  load('u64', r1, r10, HOPS),
  jumpIf('==', r1, immediate(0), none),
  addImmediate(r1, -1),
  store('u64', r10, HOPS, r1),
  load('u64', r4, r10, HOP),
  mov(r1, r4),
  structSize(r2, struct),
  add(r1, r2),
  store('u64', r10, HOP, r1),
]

/** The next hop of a route; without one that can be used, the leaf's next route has its turn. */
export function emitHop(walk: Walk): void {
  const { assembler, next } = walk
  const none = assembler.label('no_hop')
  assembler.emit(...takeHop('fib_nh', none))
  emitUsable(walk)
  assembler.emit(jump(next))
  assembler.place(none)
  walk.go('route')
}

/** The next member of a group of next hop objects; without one that can be used, the walk goes back. */
export function emitMember(walk: Walk): void {
  const { assembler, next } = walk
  const none = assembler.label('no_member')
  assembler.emit(
    ...takeHop('nh_grp_entry', none),
    ...peekPointer(r4, r4, 'nh_grp_entry', 'nh'),
    ...peekPointer(r4, r4, 'nexthop', 'nh_info'),
    addMember(r4, 'nh_info', 'fib_nhc'),
  )
  emitUsable(walk)
  assembler.emit(jump(next))
  assembler.place(none)
  walk.go('back')
}

/** Ends if the fib_nh_common at r4 can be used (fib_lookup_good_nhc); goes on here if not. */
function emitUsable({ assembler, found }: Walk): void {
  const unusable = assembler.label('unusable')
  assembler.emit(
    store('u64', r10, NEXT_HOP, r4),
    ...peek('u8', r1, r4, 'fib_nh_common', 'nhc_flags'),
    jumpIf('&', r1, immediate(DEAD), unusable),
    andImmediate(r1, LINKDOWN),
    jumpIf('==', r1, immediate(0), found),
    // that matters where the device is told so
    load('u64', r4, r10, NEXT_HOP),
    ...peekPointer(r4, r4, 'fib_nh_common', 'nhc_dev'),
    ...peekPointer(r4, r4, 'net_device', 'ip_ptr'),
    jumpIf('==', r4, immediate(0), found),
    addMember(r4, 'in_device', 'cnf'),
    addMember(r4, 'ipv4_devconf', 'data'),
    addImmediate(r4, IGNORE_LINKDOWN),
    ...peekWord(r1, r4),
    jumpIf('==', r1, immediate(0), found, 32),
  )
  assembler.place(unusable)
}

/** The route's type. Of one device only routes whose first next hop is by it count, whichever can be used. */
export function emitFound({ assembler, found, done, unicast }: Walk): void {
  const all = assembler.label('all_devices')
  assembler.place(found)
  assembler.emit(
    load('u64', r1, r10, DEVICE),
    jumpIf('==', r1, immediate(0), all),
    load('u64', r4, r10, FIRST_HOP),
    ...peekPointer(r4, r4, 'fib_nh_common', 'nhc_dev'),
    load('u64', r1, r10, DEVICE),
    jumpIf('!=', r1, register(r4), unicast),
  )
  assembler.place(all)
  assembler.emit(load('u64', r0, r10, TYPE), jump(done))
}
