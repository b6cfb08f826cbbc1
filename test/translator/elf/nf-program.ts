// A netfilter program for tests: it reaches into kernel structures and calls kernel functions.
//
// The type id of nf_conn cannot be had from libbpf: the kernel also has an nf_conn___init, which libbpf takes for
// another flavor of the same structure, and it refuses to choose. So the pointer is read as the member of one that is
// unique: an nf_ct_event, made of the slot on the stack that holds it.
//
//   r10 -8   the connection, as an nf_ct_event
//   r10 -24  the dynptr of the packet
//   r10 -48  room for the header, should the packet not have it in one piece

import { addImmediate, andImmediate, mov, movImmediate } from '../../../translator/asm/alu.ts'
import { createAssembler } from '../../../translator/asm/assembler.ts'
import { callKfunc, exit, immediate, jump, jumpIf } from '../../../translator/asm/jump.ts'
import {
  atomicAdd,
  load,
  loadMapValue,
  loadMember,
  store,
  storeImmediate,
  typeId,
} from '../../../translator/asm/memory.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8, r10 } from '../../../translator/asm/register.ts'
import type { ProgramSpec } from '../../../translator/program.ts'

export const establishedRules = ['-A INPUT -i lo -m conntrack --ctstate ESTABLISHED -p icmp -j DROP']

/** IPS_SEEN_REPLY of linux/netfilter/nf_conntrack_common.h. */
const SEEN_REPLY = 2

/** Drops ICMP of connections that have seen a reply, if it came in by interface 1; counts the packets it saw. */
export const establishedProgram = (): ProgramSpec => {
  const assembler = createAssembler()
  const accept = assembler.label('accept')
  const end = assembler.label('end')
  assembler.emit(
    load('u64', r6, r1, 8),
    load('u64', r7, r1, 0),
    loadMapValue(r1, 'seen', 8),
    movImmediate(r2, 1),
    atomicAdd('u64', r1, 0, r2),
    loadMember('u64', r7, r7, 'nf_hook_state', 'in'),
    jumpIf('==', r7, immediate(0), accept),
    loadMember('u32', r7, r7, 'net_device', 'ifindex'),
    jumpIf('!=', r7, immediate(1), accept),
  )
  assembler.withOrigin({ rule: 0 }, () => {
    assembler.emit(
      loadMember('u64', r1, r6, 'sk_buff', '_nfct'),
      andImmediate(r1, -8),
      jumpIf('==', r1, immediate(0), accept),
      store('u64', r10, -8, r1),
      mov(r1, r10),
      addImmediate(r1, -8),
      typeId(r2, 'nf_ct_event'),
      callKfunc('bpf_rdonly_cast'),
      loadMember('u64', r0, r0, 'nf_ct_event', 'ct'),
      loadMember('u64', r8, r0, 'nf_conn', 'status'),
      andImmediate(r8, SEEN_REPLY),
      jumpIf('==', r8, immediate(0), accept),
    )
    assembler.emit(
      mov(r1, r6),
      movImmediate(r2, 0),
      mov(r3, r10),
      addImmediate(r3, -24),
      callKfunc('bpf_dynptr_from_skb'),
    )
    for (const offset of [-48, -40, -32]) assembler.emit(storeImmediate('u64', r10, offset, 0))
    assembler.emit(
      mov(r1, r10),
      addImmediate(r1, -24),
      movImmediate(r2, 0),
      mov(r3, r10),
      addImmediate(r3, -48),
      movImmediate(r4, 20),
      callKfunc('bpf_dynptr_slice'),
      jumpIf('==', r0, immediate(0), accept),
      load('u8', r1, r0, 9),
      jumpIf('!=', r1, immediate(1), accept),
      loadMapValue(r1, 'seen', 0),
      movImmediate(r2, 1),
      atomicAdd('u64', r1, 0, r2),
      movImmediate(r0, 0),
      jump(end),
    )
  })
  assembler.place(accept)
  assembler.emit(movImmediate(r0, 1))
  assembler.place(end)
  assembler.emit(exit())
  return {
    name: 'established',
    hook: 'nf-input',
    type: 'NETFILTER',
    license: 'Dual MIT/GPL',
    functions: [
      {
        name: 'established',
        parameters: [{ name: 'ctx', type: { kind: 'context' } }],
        instructions: assembler.assemble(),
      },
    ],
    maps: [
      { name: 'seen', type: 'ARRAY', keySize: 4, valueSize: 16, maxEntries: 1, flags: 0, shared: false },
    ],
  }
}
