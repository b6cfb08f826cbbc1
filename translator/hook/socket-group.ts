// Reads into the record to which control groups the socket of a packet belongs (net/netfilter/xt_cgroup.c).

import { lshImmediate, movImmediate, or } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jumpIf, register } from '../asm/jump.ts'
import { addMember, hasMember, loadMember, loadMemberIfThere } from '../asm/memory.ts'
import { numberOf } from '../asm/peek.ts'
import { r0, r1, r2, r3, r7, r8 } from '../asm/register.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'
import { TCP_NEW_SYN_RECV, TCP_TIME_WAIT } from './socket.ts'

/** With the skb in r7 and the hook's state in r8; `slot` is where 16 bytes of stack are free. Without a socket, or with one that is none yet or no more, both stay zero. */
export function emitSocketGroups(assembler: Assembler, request: PrologueRequest, slot: number): void {
  const { fields } = request
  if (!fields.has('classid') && !fields.has('cgroup')) return
  const none = assembler.label('no_socket')
  assembler.emit(
    loadMember('u64', r1, r7, 'sk_buff', 'sk'),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u8', r2, r1, 'sock_common', 'skc_state'),
    jumpIf('==', r2, immediate(TCP_TIME_WAIT), none),
    jumpIf('==', r2, immediate(TCP_NEW_SYN_RECV), none),
    // one of another namespace does not count
    loadMember('u64', r2, r1, 'sock_common', 'skc_net'),
    loadMember('u64', r0, r8, 'nf_hook_state', 'net'),
    jumpIf('!=', r0, register(r2), none),
    addMember(r1, 'sock', 'sk_cgrp_data'),
  )
  if (fields.has('classid')) emitClass(assembler, request)
  if (fields.has('cgroup'))
    assembler.emit(
      loadMember('u64', r1, r1, 'sock_cgroup_data', 'cgroup'),
      ...numberOf(r3, r1, slot),
      storeField(request, 'cgroup', r3),
    )
  assembler.place(none)
}

/** Of the sock_cgroup_data in r1, which stays. Kernels without net_cls have no classes, and the match takes all packets for those of class 0. */
function emitClass(assembler: Assembler, request: PrologueRequest): void {
  const unclassed = assembler.label('no_classes')
  assembler.emit(
    movImmediate(r2, 0),
    hasMember(r3, 'sock_cgroup_data', 'classid'),
    jumpIf('==', r3, immediate(0), unclassed),
    loadMemberIfThere('u32', r2, r1, 'sock_cgroup_data', 'classid'),
  )
  assembler.place(unclassed)
  assembler.emit(movImmediate(r3, 1), lshImmediate(r3, 32), or(r2, r3), storeField(request, 'classid', r2))
}
