// What an IPv4 address is to routing, as a function of its own: the kernel's inet_dev_addr_type, which looks the address up in the table
// `local`, or that of the device's VRF, and answers with the type of the route. No helper does that, so the function walks the kernel's trie as fib_table_lookup does
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
//          fp-64   the device whose routes alone count, or 0
//          fp-72   the table's number
//          fp-80   the first next hop of the route

import {
  add,
  addImmediate,
  andImmediate,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  rshImmediate,
} from '../asm/alu.ts'
import { createAssembler } from '../asm/assembler.ts'
import { callKfunc, exit, immediate, jump, jumpIf } from '../asm/jump.ts'
import { addMember, load, store, storeImmediate } from '../asm/memory.ts'
import { peek, peekPointer, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { addressType } from '../field.ts'
import type { FunctionSpec } from '../program.ts'
import { emitFound, emitHop, emitMember, emitRoute } from './address-route.ts'
import { emitTableNumber } from './address-table.ts'
import { emitBack, emitDown, emitPrefix, emitTable } from './address-trie.ts'
import {
  DEVICE,
  FIRST_HOP,
  HOP,
  HOPS,
  ITERATOR,
  NEXT_HOP,
  ROUTE,
  STEP,
  type Step,
  steps,
  TABLE,
  TYPE,
  type Walk,
} from './address-walk.ts'

/** The address as a number is in r1, that of the network namespace in r2, and in r3 that of the device whose routes alone count, or 0; the type comes back in r0. */
export const ADDRESS_TYPE_FUNCTION = 'address_type'

/** More steps than any walk takes: a node has 32 bits at most to go down by and to clear, and the rest is as many as routes and next hops. */
const MOST_STEPS = 1 << 23

/** Where there are policy rules, tables are kept in lists by the lowest bits of their number. */
const TABLE_LISTS = 256

export function addressTypeFunction(): FunctionSpec {
  const assembler = createAssembler()
  const walk: Walk = {
    assembler,
    next: assembler.label('next'),
    done: assembler.label('done'),
    unicast: assembler.label('unicast'),
    found: assembler.label('found'),
    go: step => assembler.emit(storeImmediate('u64', r10, STEP, steps.indexOf(step)), jump(walk.next)),
  }
  emitWithoutTable(walk)
  emitStart(walk)
  emitLoop(walk)
  emitFound(walk)
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
      { name: 'device', type: { kind: 'scalar' } },
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

/** Begins with the first table of the list that the one to look into is in. */
function emitStart({ assembler }: Walk): void {
  assembler.emit(mov(r7, r2), addMember(r7, 'net', 'ipv4'), mov(r8, r3), store('u64', r10, DEVICE, r3))
  emitTableNumber(assembler)
  assembler.emit(
    store('u64', r10, TABLE, r9),
    andImmediate(r9, TABLE_LISTS - 1),
    lshImmediate(r9, 3),
    // only kernels with policy rules have this member, and without them the table would lie elsewhere
    ...peek('u64', r8, r7, 'netns_ipv4', 'fib_main'),
    ...peekPointer(r8, r7, 'netns_ipv4', 'fib_table_hash'),
    add(r8, r9),
    ...peekWord(r7, r8),
    movImmediate(r8, 0),
    movImmediate(r9, 0),
    storeImmediate('u64', r10, STEP, steps.indexOf('table')),
    ...[ROUTE, TYPE, HOP, HOPS, NEXT_HOP, FIRST_HOP].map(slot => storeImmediate('u64', r10, slot, 0)),
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
