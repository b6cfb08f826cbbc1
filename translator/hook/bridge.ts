// Reads into the record by which ports of a bridge a packet came and goes (struct nf_bridge_info, which br_netfilter hangs on packets).
//
// Stack, from `slot` on, 40 bytes:   0  iterator   8  struct nf_bridge_info *   16  node of a list of devices   24  index of the device
//                                    32 scratch

import { add, addImmediate, andImmediate, lshImmediate, mov, movImmediate, or, rsh } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import {
  addMember,
  enumerator,
  hasMember,
  load,
  loadMember,
  loadMemberIfThere,
  store,
  subMember,
} from '../asm/memory.ts'
import { castAt, numberOf, peek, peekPointer, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8, r10 } from '../asm/register.ts'
import { bridge, type FieldName } from '../field.ts'
import { storeName } from './device.ts'
import { setField, storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

export const bridgeFields: readonly FieldName[] = ['bridge', 'physin', 'physout']

/** Devices are kept in lists by the lowest 8 bits of their index. */
const LISTS = 256
const POINTER = 8
/** More than there are devices of one list. */
const MOST_DEVICES = 1 << 23

/** With the skb in r7 and the hook's state in r8. */
export function emitBridge(assembler: Assembler, request: PrologueRequest, slot: number): void {
  if (!bridgeFields.some(field => request.fields.has(field))) return
  const info = slot + 8
  const none = assembler.label('no_bridge')
  assembler.emit(
    loadMember('u8', r1, r7, 'sk_buff', 'active_extensions'),
    enumerator(r2, 'skb_ext_id', 'SKB_EXT_BRIDGE_NF'),
    rsh(r1, r2),
    andImmediate(r1, 1),
    jumpIf('==', r1, immediate(0), none),
    ...loadInfo(info, slot + 32),
  )
  storeFlag(assembler, request, bridge.THERE)
  emitOutPort(assembler, request, info)
  emitInPort(assembler, request, slot)
  assembler.place(none)
}

/** Keeps the address of the packet's extension in a slot: extensions lie one behind the other, at offsets counted in words. */
const loadInfo = (info: number, scratch: number): Instruction[] => [
  loadMember('u64', r1, r7, 'sk_buff', 'extensions'),
  ...numberOf(r3, r1, scratch),
  store('u64', r10, info, r3),
  mov(r4, r3),
  addMember(r4, 'skb_ext', 'offset'),
  enumerator(r2, 'skb_ext_id', 'SKB_EXT_BRIDGE_NF'),
  add(r4, r2),
  ...peekWord(r1, r4),
  andImmediate(r1, 0xff),
  lshImmediate(r1, 3),
  load('u64', r2, r10, info),
  add(r1, r2),
  store('u64', r10, info, r1),
]

function storeFlag(assembler: Assembler, request: PrologueRequest, flag: number): void {
  if (!request.fields.has('bridge')) return
  if (flag === bridge.THERE) return assembler.emit(setField(request, 'bridge', flag))
  const offset = request.record.offset('bridge')
  assembler.emit(
    load('u8', r2, r6, offset),
    movImmediate(r3, flag),
    or(r2, r3),
    storeField(request, 'bridge', r2),
  )
}

function emitOutPort(assembler: Assembler, request: PrologueRequest, info: number): void {
  const none = assembler.label('no_out_port')
  assembler.emit(
    load('u64', r4, r10, info),
    ...peekPointer(r4, r4, 'nf_bridge_info', 'physoutdev'),
    jumpIf('==', r4, immediate(0), none),
    ...castAt(r4, 'net_device'),
    mov(r1, r0),
    ...storeName(request, 'physout'),
  )
  storeFlag(assembler, request, bridge.OUT)
  assembler.place(none)
}

/** Until Linux 6.7 a pointer, then the index of a device that has to be looked up. */
function emitInPort(assembler: Assembler, request: PrologueRequest, slot: number): void {
  const [info, node] = [slot + 8, slot + 16]
  const none = assembler.label('no_in_port')
  const found = assembler.label('in_port')
  const byIndex = assembler.label('by_index')
  assembler.emit(
    hasMember(r1, 'nf_bridge_info', 'physinif'),
    jumpIf('!=', r1, immediate(0), byIndex),
    load('u64', r4, r10, info),
    ...castAt(r4, 'nf_bridge_info'),
    loadMemberIfThere('u64', r1, r0, 'nf_bridge_info', 'physindev'),
    jumpIf('==', r1, immediate(0), none),
    jump(found),
  )
  assembler.place(byIndex)
  emitDeviceByIndex(assembler, slot, none)
  assembler.emit(
    load('u64', r4, r10, node),
    subMember(r4, 'net_device', 'index_hlist'),
    ...castAt(r4, 'net_device'),
    mov(r1, r0),
  )
  assembler.place(found)
  assembler.emit(...storeName(request, 'physin'))
  storeFlag(assembler, request, bridge.IN)
  assembler.place(none)
}

/** Finds the device as dev_get_by_index_rcu does, leaving its node of the list in the slot. */
function emitDeviceByIndex(assembler: Assembler, slot: number, none: Label): void {
  const [info, node, index, scratch] = [slot + 8, slot + 16, slot + 24, slot + 32]
  const next = assembler.label('next_device')
  const found = assembler.label('device')
  const missing = assembler.label('no_device')
  assembler.emit(
    load('u64', r4, r10, info),
    ...castAt(r4, 'nf_bridge_info'),
    loadMemberIfThere('u32', r1, r0, 'nf_bridge_info', 'physinif'),
    store('u64', r10, index, r1),
    loadMember('u64', r1, r8, 'nf_hook_state', 'net'),
    loadMember('u64', r1, r1, 'net', 'dev_index_head'),
    ...numberOf(r4, r1, scratch),
    load('u64', r1, r10, index),
    andImmediate(r1, LISTS - 1),
    lshImmediate(r1, Math.log2(POINTER)),
    add(r4, r1),
    ...peekWord(r4, r4),
    store('u64', r10, node, r4),
    ...iterator(slot),
    movImmediate(r2, 0),
    movImmediate(r3, MOST_DEVICES),
    callKfunc('bpf_iter_num_new'),
  )
  assembler.place(next)
  assembler.emit(
    ...iterator(slot),
    callKfunc('bpf_iter_num_next'),
    jumpIf('==', r0, immediate(0), missing),
    load('u64', r4, r10, node),
    jumpIf('==', r4, immediate(0), missing),
    subMember(r4, 'net_device', 'index_hlist'),
    ...peek('u32', r1, r4, 'net_device', 'ifindex'),
    load('u64', r2, r10, index),
    jumpIf('==', r1, register(r2), found),
    load('u64', r4, r10, node),
    ...peekPointer(r4, r4, 'hlist_node', 'next'),
    store('u64', r10, node, r4),
    jump(next),
  )
  assembler.place(missing)
  assembler.emit(...iterator(slot), callKfunc('bpf_iter_num_destroy'), jump(none))
  assembler.place(found)
  assembler.emit(...iterator(slot), callKfunc('bpf_iter_num_destroy'))
}

const iterator = (slot: number): Instruction[] => [mov(r1, r10), addImmediate(r1, slot)]
