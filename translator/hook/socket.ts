// Reads whose socket sent a packet into the record, where one may have (owner_mt in net/netfilter/xt_owner.c).

import { mov } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { callKfunc, immediate, jumpIf, register } from '../asm/jump.ts'
import { loadMember, typeId } from '../asm/memory.ts'
import { numberOf } from '../asm/peek.ts'
import { r0, r1, r2, r7, r8 } from '../asm/register.ts'
import { type FieldName, NOBODY } from '../field.ts'
import { setField, storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

/** States of sockets that are none yet, or no more (include/net/tcp_states.h). */
export const TCP_TIME_WAIT = 6
export const TCP_NEW_SYN_RECV = 12

const ownerFields: readonly FieldName[] = ['socket', 'uid', 'gid', 'groups']

/** With the skb in r7 and the hook's state in r8; `slot` is where 8 bytes of stack are free. Users and groups are the kernel's own numbers, which rules mean outside of user namespaces. */
export function emitOwner(assembler: Assembler, request: PrologueRequest, slot: number): void {
  const { fields } = request
  if (!ownerFields.some(field => fields.has(field))) return
  const full = assembler.label('full_socket')
  const none = assembler.label('no_owner')
  const owners = (['uid', 'gid'] as const).filter(field => fields.has(field))
  assembler.emit(
    ...owners.map(field => setField(request, field, NOBODY)),
    loadMember('u64', r1, r7, 'sk_buff', 'sk'),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u8', r2, r1, 'sock_common', 'skc_state'),
    jumpIf('==', r2, immediate(TCP_TIME_WAIT), none),
    mov(r0, r1),
    jumpIf('!=', r2, immediate(TCP_NEW_SYN_RECV), full),
    // its listener, which the verifier takes for the number that shares the place
    loadMember('u64', r1, r1, 'sock_common', 'skc_listener'),
    jumpIf('==', r1, immediate(0), none),
    typeId(r2, 'sock'),
    callKfunc('bpf_rdonly_cast'),
  )
  assembler.place(full)
  assembler.emit(
    loadMember('u64', r1, r0, 'sock', 'sk_socket'),
    jumpIf('==', r1, immediate(0), none),
    // one of another namespace does not count
    loadMember('u64', r2, r0, 'sock_common', 'skc_net'),
    loadMember('u64', r0, r8, 'nf_hook_state', 'net'),
    jumpIf('!=', r0, register(r2), none),
    ...(fields.has('socket') ? [setField(request, 'socket', 1)] : []),
    loadMember('u64', r1, r1, 'socket', 'file'),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u64', r1, r1, 'file', 'f_cred'),
    ...owners.flatMap(field => [
      loadMember('u32', r2, r1, 'cred', `fs${field}`),
      storeField(request, field, r2),
    ]),
    ...(fields.has('groups')
      ? [
          loadMember('u64', r1, r1, 'cred', 'group_info'),
          ...numberOf(r2, r1, slot),
          storeField(request, 'groups', r2),
        ]
      : []),
  )
  assembler.place(none)
}
