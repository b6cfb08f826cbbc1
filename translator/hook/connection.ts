// Reads what conntrack knows of a packet into the record, at the netfilter hooks.

import {
  add,
  addImmediate,
  andImmediate,
  be16,
  be32,
  be64,
  div32,
  mov,
  movImmediate,
  sub32,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call, callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import { addMember, enumerator, load, loadMember, store, ticksPerSecond, typeId } from '../asm/memory.ts'
import { peekPointer, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r3, r4, r7, r10 } from '../asm/register.ts'
import { ctstate, type FieldName, type TupleAddress, tupleAddresses } from '../field.ts'
import { setField, storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

/** skb->_nfct holds a pointer to the connection, and how the packet belongs to it in the lowest three bits (include/linux/skbuff.h). */
const INFO_MASK = 7
/** enum ip_conntrack_info: states of the original direction, then the same of the reply. */
const IP_CT_IS_REPLY = 3
const IP_CT_UNTRACKED = 7

/** Fields of the connection itself, not of how the packet belongs to it. */
const ownFields: readonly FieldName[] = [
  'ctstatus',
  'ctproto',
  'ctmark',
  'ctexpire',
  'cthelper',
  ...tupleAddresses.flatMap(name => [`ct${name}`, `ct${name}port`] as const),
]

export const connectionFields: readonly FieldName[] = ['ctstate', 'ctdir', ...ownFields]

/** With the skb in r7. `slot` is where 16 bytes of stack are free, from the frame pointer. Without a connection all fields but the state stay zero. */
export function emitConnection(assembler: Assembler, request: PrologueRequest, slot: number): void {
  const { fields } = request
  const asks = (field: FieldName): boolean => fields.has(field)
  if (!connectionFields.some(asks)) return
  const none = assembler.label('no_connection')
  const original = assembler.label('original')
  const done = assembler.label('conntrack')
  assembler.emit(
    loadMember('u64', r1, r7, 'sk_buff', '_nfct'),
    mov(r2, r1),
    andImmediate(r2, INFO_MASK),
    andImmediate(r1, ~INFO_MASK),
    jumpIf('==', r1, immediate(0), none),
    jumpIf('<', r2, immediate(IP_CT_IS_REPLY), original),
    ...(asks('ctdir') ? [setField(request, 'ctdir', 1)] : []),
    subImmediate(r2, IP_CT_IS_REPLY),
  )
  assembler.place(original)
  // ESTABLISHED, RELATED, NEW are 0, 1, 2 there and count down to 1 here
  if (asks('ctstate'))
    assembler.emit(movImmediate(r3, ctstate.ESTABLISHED), sub32(r3, r2), storeField(request, 'ctstate', r3))
  if (ownFields.some(asks)) emitOwn(assembler, request, slot)
  assembler.emit(jump(done))
  assembler.place(none)
  if (asks('ctstate'))
    assembler.emit(
      jumpIf('!=', r2, immediate(IP_CT_UNTRACKED), done),
      setField(request, 'ctstate', ctstate.UNTRACKED),
    )
  assembler.place(done)
}

/**
 * With the connection's address in r1. A cast to nf_conn by its type id would do, but libbpf cannot tell it from nf_conn___init; so the pointer is read
 * back as the member of an nf_ct_event, which is made of the slot that holds it.
 */
function emitOwn(assembler: Assembler, request: PrologueRequest, slot: number): void {
  assembler.emit(
    store('u64', r10, slot, r1),
    mov(r1, r10),
    addImmediate(r1, slot),
    typeId(r2, 'nf_ct_event'),
    callKfunc('bpf_rdonly_cast'),
    loadMember('u64', r0, r0, 'nf_ct_event', 'ct'),
  )
  const asks = (field: FieldName): boolean => request.fields.has(field)
  if (asks('ctstatus'))
    assembler.emit(loadMember('u64', r1, r0, 'nf_conn', 'status'), storeField(request, 'ctstatus', r1))
  if (asks('ctmark'))
    assembler.emit(loadMember('u32', r1, r0, 'nf_conn', 'mark'), storeField(request, 'ctmark', r1))
  if (asks('ctproto'))
    assembler.emit(...loadTuple('u8', tuple.original + tuple.protocol), storeField(request, 'ctproto', r1))
  for (const name of tupleAddresses) {
    const { address, port } = places[name]
    if (asks(`ct${name}`)) emitAddress(assembler, request, name, address)
    if (asks(`ct${name}port`))
      assembler.emit(...loadTuple('u16', port), be16(r1), storeField(request, `ct${name}port`, r1))
  }
  emitExpiry(assembler, request, slot)
  emitHelper(assembler, request, slot)
}

/** How long the connection at the address in the slot will be remembered (nf_ct_expires); times are timer ticks, of which 32 bits count. */
function emitExpiry(assembler: Assembler, request: PrologueRequest, slot: number): void {
  if (!request.fields.has('ctexpire')) return
  const past = assembler.label('expired')
  assembler.emit(
    call('bpf_jiffies64'),
    store('u64', r10, slot + 8, r0),
    load('u64', r4, r10, slot),
    addMember(r4, 'nf_conn', 'timeout'),
    ...peekWord(r1, r4),
    load('u64', r2, r10, slot + 8),
    sub32(r1, r2),
    jumpIf('s<', r1, immediate(0), past, 32),
    ticksPerSecond(r2),
    div32(r1, r2),
    storeField(request, 'ctexpire', r1),
  )
  assembler.place(past)
}

/**
 * The name of the helper that expected the connection, whose master has the helper among its extensions (nfct_help): extensions lie one behind the other, at
 * offsets of bytes, where 0 is none.
 */
function emitHelper(assembler: Assembler, request: PrologueRequest, slot: number): void {
  if (!request.fields.has('cthelper')) return
  const none = assembler.label('no_helper')
  assembler.emit(
    load('u64', r4, r10, slot),
    ...peekPointer(r4, r4, 'nf_conn', 'master'),
    jumpIf('==', r4, immediate(0), none),
    ...peekPointer(r4, r4, 'nf_conn', 'ext'),
    jumpIf('==', r4, immediate(0), none),
    store('u64', r10, slot + 8, r4),
    addMember(r4, 'nf_ct_ext', 'offset'),
    enumerator(r1, 'nf_ct_ext_id', 'NF_CT_EXT_HELPER'),
    add(r4, r1),
    ...peekWord(r1, r4),
    andImmediate(r1, 0xff),
    jumpIf('==', r1, immediate(0), none),
    load('u64', r4, r10, slot + 8),
    add(r4, r1),
    ...peekPointer(r4, r4, 'nf_conn_help', 'helper'),
    jumpIf('==', r4, immediate(0), none),
    addMember(r4, 'nf_conntrack_helper', 'name'),
    store('u64', r10, slot + 8, r4),
    ...peekWord(r1, r4),
    be64(r1),
    storeField(request, 'cthelper', r1),
    load('u64', r4, r10, slot + 8),
    addImmediate(r4, 8),
    ...peekWord(r1, r4),
    be64(r1),
    storeField(request, 'cthelper', r1, 8),
  )
  assembler.place(none)
}

function emitAddress(assembler: Assembler, request: PrologueRequest, name: TupleAddress, at: number): void {
  if (request.family === 4)
    return assembler.emit(...loadTuple('u32', at), be32(r1), storeField(request, `ct${name}`, r1))
  for (const half of [0, 8] as const)
    assembler.emit(...loadTuple('u64', at + half), be64(r1), storeField(request, `ct${name}`, r1, half))
}

/**
 * nf_conn.tuplehash: for the original direction and for replies, a struct nf_conntrack_tuple_hash each.
 *
 *     byte  0           16               32            34      36                    52                 54         55
 *           list node   source address   source port   l3num   destination address   destination port   protocol   direction
 */
const tuple = {
  original: 0,
  reply: 56,
  source: 16,
  sourcePort: 32,
  destination: 36,
  destinationPort: 52,
  protocol: 54,
} as const

const places: Readonly<Record<TupleAddress, { readonly address: number; readonly port: number }>> = {
  origsrc: { address: tuple.original + tuple.source, port: tuple.original + tuple.sourcePort },
  origdst: { address: tuple.original + tuple.destination, port: tuple.original + tuple.destinationPort },
  replsrc: { address: tuple.reply + tuple.source, port: tuple.reply + tuple.sourcePort },
  repldst: { address: tuple.reply + tuple.destination, port: tuple.reply + tuple.destinationPort },
}

/** From the nf_conn in r0 to r1; the pointer is stepped, since a relocation sets the offset of the load. */
const loadTuple = (size: 'u8' | 'u16' | 'u32' | 'u64', at: number): Instruction[] => [
  mov(r2, r0),
  addImmediate(r2, at),
  loadMember(size, r1, r2, 'nf_conn', 'tuplehash'),
]
