// What an IPv4 address is to routing, as a function of its own: the kernel's inet_addr_type, which looks the address up in the table
// `local` and answers with the type of the route. No helper does that, so the function walks the kernel's trie as fib_table_lookup does
// (net/ipv4/fib_trie.c), in a loop of small steps that the verifier follows once each.
//
// A node of the trie is a key_vector. It stands for a range of addresses, from its key on; its children are told apart by `bits` bits of the
// address from bit `pos` on. A leaf has no such bits; it lists routes of prefixes that begin at its key, those with fewest host bits (fa_slen) first.
// The way down looks only at those bits, so where it ends in a prefix that does not hold the address, the walk goes back up to where some
// bit can be cleared that led it there: the route of a shorter prefix lies in that direction.
//
// Registers:   r6  the address     r7  the node looked at     r8  the last node in which to go another way     r9  and the child gone to there
//
// Stack:   fp-8    iterator that bounds the loop
//          fp-16   which step is next
//          fp-24   the next route of the leaf
//          fp-32   the type of the one looked at
//          fp-40   its next hop, or next entry of a group, and  fp-48  how many are left
//          fp-56   the one looked at

import {
  add,
  addImmediate,
  and,
  andImmediate,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  neg32,
  or32,
  rsh,
  rshImmediate,
  xor32,
} from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, exit, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, load, loadMember, store, storeImmediate, structSize, subMember } from '../asm/memory.ts'
import { castAt, peek, peekPointer, peekWord } from '../asm/peek.ts'
import { type Register, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { addressType } from '../field.ts'
import type { FunctionSpec } from '../program.ts'

/** The address as a number is in r1, the address of the network namespace in r2; the type comes back in r0. */
export const ADDRESS_TYPE_FUNCTION = 'address_type'

const ITERATOR = -8
const STEP = -16
const ROUTE = -24
const TYPE = -32
const HOP = -40
const HOPS = -48
const NEXT_HOP = -56

/** More steps than any walk takes: a node has 32 bits at most to go down by and to clear, and the rest is as many as routes and next hops. */
const MOST_STEPS = 1 << 23

/** What each turn of the loop does. */
const steps = ['table', 'down', 'prefix', 'back', 'route', 'hop', 'member'] as const
type Step = (typeof steps)[number]

/** RT_TABLE_LOCAL. Where there are policy rules, tables are kept in lists by the lowest 8 bits of their number. */
const TABLE_LOCAL = 255
const POINTER = 8
/** Bits of an address; the root of a trie pretends to lie that high. */
const KEY_BITS = 32
/** RTNH_F_DEAD and RTNH_F_LINKDOWN. */
const DEAD = 1
const LINKDOWN = 16
/** IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN, counted from 1 there. */
const IGNORE_LINKDOWN = 4 * (29 - 1)

interface Walk {
  readonly assembler: Assembler
  /** The loop goes on with a step. */
  go(step: Step): void
  /** Where to go on with the step that is set. */
  readonly next: Label
  /** Ends with the type in r0. */
  readonly done: Label
  /** Ends: no route but one that says nothing. */
  readonly unicast: Label
}

export function addressTypeFunction(): FunctionSpec {
  const assembler = createAssembler()
  const walk: Walk = {
    assembler,
    next: assembler.label('next'),
    done: assembler.label('done'),
    unicast: assembler.label('unicast'),
    go: step => assembler.emit(storeImmediate('u64', r10, STEP, steps.indexOf(step)), jump(walk.next)),
  }
  emitWithoutTable(walk)
  emitStart(walk)
  emitLoop(walk)
  assembler.place(walk.unicast)
  assembler.emit(movImmediate(r0, addressType.UNICAST))
  assembler.place(walk.done)
  assembler.emit(
    mov(r6, r0),
    mov(r1, r10),
    addImmediate(r1, ITERATOR),
    callKfunc('bpf_iter_num_destroy'),
    mov(r0, r6),
    exit(),
  )
  return {
    name: ADDRESS_TYPE_FUNCTION,
    parameters: [
      { name: 'address', type: { kind: 'scalar' } },
      { name: 'net', type: { kind: 'scalar' } },
    ],
    instructions: assembler.assemble(),
  }
}

/** What the address alone decides: 0.0.0.0 and 255.255.255.255 are broadcast, 224.0.0.0/4 multicast. */
function emitWithoutTable({ assembler }: Walk): void {
  const other = assembler.label('not_multicast')
  const broadcast = assembler.label('broadcast')
  assembler.emit(
    mov32(r6, r1),
    jumpIf('==', r6, immediate(0), broadcast, 32),
    jumpIf('==', r6, immediate(0xffff_ffff), broadcast, 32),
    mov(r1, r6),
    rshImmediate(r1, 28),
    jumpIf('!=', r1, immediate(0xe), other),
    movImmediate(r0, addressType.MULTICAST),
    exit(),
  )
  assembler.place(broadcast)
  assembler.emit(movImmediate(r0, addressType.BROADCAST), exit())
  assembler.place(other)
}

/** Begins with the first table of the list that `local` is in. */
function emitStart({ assembler }: Walk): void {
  assembler.emit(
    mov(r7, r2),
    addMember(r7, 'net', 'ipv4'),
    // only kernels with policy rules have this member, and without them the table would lie elsewhere
    ...peek('u64', r8, r7, 'netns_ipv4', 'fib_main'),
    ...peekPointer(r8, r7, 'netns_ipv4', 'fib_table_hash'),
    addImmediate(r8, POINTER * TABLE_LOCAL),
    ...peekWord(r7, r8),
    movImmediate(r8, 0),
    movImmediate(r9, 0),
    storeImmediate('u64', r10, STEP, steps.indexOf('table')),
    ...[ROUTE, TYPE, HOP, HOPS, NEXT_HOP].map(slot => storeImmediate('u64', r10, slot, 0)),
    mov(r1, r10),
    addImmediate(r1, ITERATOR),
    movImmediate(r2, 0),
    movImmediate(r3, MOST_STEPS),
    callKfunc('bpf_iter_num_new'),
  )
}

const emitters: { readonly [S in Step]: (walk: Walk) => void } = {
  table: emitTable,
  down: emitDown,
  prefix: emitPrefix,
  back: emitBack,
  route: emitRoute,
  hop: emitHop,
  member: emitMember,
}

function emitLoop(walk: Walk): void {
  const { assembler, next, unicast } = walk
  assembler.place(next)
  assembler.emit(
    mov(r1, r10),
    addImmediate(r1, ITERATOR),
    callKfunc('bpf_iter_num_next'),
    jumpIf('==', r0, immediate(0), unicast),
    load('u64', r1, r10, STEP),
  )
  const labels = steps.map(step => assembler.label(step))
  for (const [index, label] of labels.entries()) assembler.emit(jumpIf('==', r1, immediate(index), label))
  assembler.emit(jump(unicast))
  for (const [index, step] of steps.entries()) {
    const label = labels[index]
    if (label) assembler.place(label)
    emitters[step](walk)
  }
}

/** Finds the table in its list, and goes to the root of its trie. r7 is the list's node. */
function emitTable(walk: Walk): void {
  const { assembler, next, done, unicast } = walk
  const here = assembler.label('local_table')
  assembler.emit(movImmediate(r0, addressType.BROADCAST), jumpIf('==', r7, immediate(0), done))
  assembler.emit(
    mov(r9, r7),
    subMember(r9, 'fib_table', 'tb_hlist'),
    ...peek('u32', r1, r9, 'fib_table', 'tb_id'),
    jumpIf('==', r1, immediate(TABLE_LOCAL), here),
    ...peekPointer(r7, r7, 'hlist_node', 'next'),
    jump(next),
  )
  assembler.place(here)
  assembler.emit(
    ...peekPointer(r8, r9, 'fib_table', 'tb_data'),
    addMember(r8, 'trie', 'kv'),
    movImmediate(r9, 0),
    ...peekChild(r7, r8, r9),
    jumpIf('==', r7, immediate(0), unicast),
  )
  walk.go('down')
}

/** dst = the child of a node with the index in a register, or with index 0 the first route of a leaf. */
const peekChild = (dst: Register, node: Register, index: Register): Instruction[] => [
  mov(r1, index),
  lshImmediate(r1, 3),
  add(r1, node),
  addMember(r1, 'key_vector', 'leaf'),
  ...peekWord(dst, r1),
]

/** r1 key, r2 pos, r3 bits, r4 slen of the node in r7. */
const loadNode = (): Instruction[] => [
  ...castAt(r7, 'key_vector'),
  loadMember('u32', r1, r0, 'key_vector', 'key'),
  loadMember('u8', r2, r0, 'key_vector', 'pos'),
  loadMember('u8', r3, r0, 'key_vector', 'bits'),
  loadMember('u8', r4, r0, 'key_vector', 'slen'),
]

/** Down by the bits of the address. */
function emitDown(walk: Walk): void {
  const { assembler, next } = walk
  const [prefix, leaf, skip, back] = (['not_here', 'leaf', 'no_way_back', 'no_child'] as const).map(name =>
    assembler.label(name),
  ) as [Label, Label, Label, Label]
  assembler.emit(
    ...loadNode(),
    xor32(r1, r6),
    rsh(r1, r2),
    mov(r5, r1),
    rsh(r5, r3),
    jumpIf('!=', r5, immediate(0), prefix),
    jumpIf('==', r3, immediate(0), leaf),
    // below are prefixes that are shorter than where the node's children part
    jumpIf('<=', r4, register(r2), skip),
    mov(r8, r7),
    mov(r9, r1),
  )
  assembler.place(skip)
  assembler.emit(mov(r5, r1), ...peekChild(r7, r7, r5), jumpIf('!=', r7, immediate(0), next))
  assembler.place(back)
  walk.go('back')
  assembler.place(prefix)
  walk.go('prefix')
  assembler.place(leaf)
  emitLeaf(walk)
}

/** On to the routes of the leaf in r7. */
function emitLeaf(walk: Walk): void {
  walk.assembler.emit(...peekPointer(r1, r7, 'key_vector', 'leaf'), store('u64', r10, ROUTE, r1))
  walk.go('route')
}

/** Down by zeros, where prefixes shorter than the way here lie; a node that has none of the address's goes back. */
function emitPrefix(walk: Walk): void {
  const { assembler, next } = walk
  const back = assembler.label('no_prefix')
  const leaf = assembler.label('prefix_leaf')
  assembler.emit(
    ...loadNode(),
    // the bits in which they differ lie below the lowest one of the key
    mov32(r5, r1),
    neg32(r5),
    or32(r5, r1),
    xor32(r1, r6),
    and(r5, r1),
    jumpIf('!=', r5, immediate(0), back),
    jumpIf('==', r4, register(r2), back),
    jumpIf('==', r3, immediate(0), leaf),
    ...peekPointer(r7, r7, 'key_vector', 'leaf'),
    jumpIf('!=', r7, immediate(0), next),
  )
  assembler.place(back)
  walk.go('back')
  assembler.place(leaf)
  emitLeaf(walk)
}

/** Clears the lowest bit of the way taken and goes there, or one node up where there is none left. */
function emitBack(walk: Walk): void {
  const { assembler, next, unicast } = walk
  const up = assembler.label('up')
  assembler.emit(
    jumpIf('==', r9, immediate(0), up),
    mov(r1, r9),
    addImmediate(r1, -1),
    and(r9, r1),
    ...peekChild(r7, r8, r9),
    jumpIf('==', r7, immediate(0), next),
  )
  walk.go('prefix')
  assembler.place(up)
  assembler.emit(
    ...peek('u8', r1, r8, 'key_vector', 'pos'),
    jumpIf('>=', r1, immediate(KEY_BITS), unicast),
    loadMember('u32', r9, r0, 'key_vector', 'key'),
    subMember(r8, 'tnode', 'kv'),
    ...peekPointer(r8, r8, 'tnode', 'parent'),
    ...peek('u32', r1, r8, 'key_vector', 'key'),
    loadMember('u8', r2, r0, 'key_vector', 'pos'),
    xor32(r9, r1),
    rsh(r9, r2),
    jump(next),
  )
}

/** The next route of the leaf in r7: whether it holds the address, and counts. */
function emitRoute(walk: Walk): void {
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
    jumpIf('!=', r1, immediate(1), several),
    ...peekPointer(r4, r4, 'nh_grp_entry', 'nh'),
    ...peekPointer(r4, r4, 'nexthop', 'nh_info'),
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
function emitHop(walk: Walk): void {
  const { assembler, next } = walk
  const none = assembler.label('no_hop')
  assembler.emit(...takeHop('fib_nh', none))
  emitUsable(walk)
  assembler.emit(jump(next))
  assembler.place(none)
  walk.go('route')
}

/** The next member of a group of next hop objects; without one that can be used, the walk goes back. */
function emitMember(walk: Walk): void {
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

/** Ends with the route's type if the fib_nh_common at r4 can be used (fib_lookup_good_nhc); goes on here if not. */
function emitUsable({ assembler, done }: Walk): void {
  const unusable = assembler.label('unusable')
  const usable = assembler.label('usable')
  assembler.emit(
    store('u64', r10, NEXT_HOP, r4),
    ...peek('u8', r1, r4, 'fib_nh_common', 'nhc_flags'),
    jumpIf('&', r1, immediate(DEAD), unusable),
    andImmediate(r1, LINKDOWN),
    jumpIf('==', r1, immediate(0), usable),
    // that matters where the device is told so
    load('u64', r4, r10, NEXT_HOP),
    ...peekPointer(r4, r4, 'fib_nh_common', 'nhc_dev'),
    ...peekPointer(r4, r4, 'net_device', 'ip_ptr'),
    jumpIf('==', r4, immediate(0), usable),
    addMember(r4, 'in_device', 'cnf'),
    addMember(r4, 'ipv4_devconf', 'data'),
    addImmediate(r4, IGNORE_LINKDOWN),
    ...peekWord(r1, r4),
    jumpIf('!=', r1, immediate(0), unusable, 32),
  )
  assembler.place(usable)
  assembler.emit(load('u64', r0, r10, TYPE), jump(done))
  assembler.place(unusable)
}
