// Whether the lower half of an IPv6 source address is made of the MAC address (RFC 4291 appendix A, net/ipv6/netfilter/ip6t_eui64.c).

import {
  add,
  addImmediate,
  be16,
  be32,
  be64,
  lshImmediate,
  mov,
  movImmediate,
  or,
  rshImmediate,
  xor,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jumpIf } from '../asm/jump.ts'
import { load, loadImmediate64, loadMember, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6, r7 } from '../asm/register.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

/** What is put between the halves of the MAC address, and its universal bit, flipped. */
const FILLING = 0x0200_00ff_fe00_0000n
const ETHERTYPE = 0x86dd
/** Where the lower half of the source address begins in an IPv6 header. */
const SOURCE_LOW = 16

/**
 * With the skb in r7, whatever its device has for link-layer header. `checked`: the header may say that it is not one of an IPv6 packet;
 * before tags are taken off it says so of every tagged one.
 */
export function emitInterfaceId(assembler: Assembler, request: PrologueRequest, checked?: 'checked'): void {
  const other = assembler.label('not_ipv6')
  assembler.emit(
    loadMember('u16', r1, r7, 'sk_buff', 'mac_header'),
    loadMember('u64', r2, r7, 'sk_buff', 'head'),
    add(r1, r2),
    typeId(r2, 'ethhdr'),
    callKfunc('bpf_rdonly_cast'),
  )
  if (checked)
    assembler.emit(
      loadMember('u16', r1, r0, 'ethhdr', 'h_proto'),
      be16(r1),
      jumpIf('!=', r1, immediate(ETHERTYPE), other, 32),
    )
  assembler.emit(
    loadMember('u32', r1, r0, 'ethhdr', 'h_source'),
    addImmediate(r0, 4),
    loadMember('u16', r2, r0, 'ethhdr', 'h_source'),
    ...storeInterfaceId(request),
  )
  assembler.place(other)
}

/** Notes what the MAC address, whose first four bytes are in r1 and its last two in r2 as they stand, makes of an address's lower half. */
export const storeInterfaceId = (request: PrologueRequest): Instruction[] => [
  be32(r1),
  be16(r2),
  // three bytes go above the filling, three below
  mov(r3, r1),
  rshImmediate(r3, 8),
  lshImmediate(r3, 40),
  lshImmediate(r1, 56),
  rshImmediate(r1, 40),
  or(r1, r2),
  or(r1, r3),
  loadImmediate64(r2, FILLING),
  xor(r1, r2),
  storeField(request, 'eui64', r1),
]

/** With the IPv6 header in r0: what of its source address is not as noted. */
export function emitEui64(assembler: Assembler, request: PrologueRequest): void {
  const done = assembler.label('eui64')
  assembler.emit(
    load('u64', r1, r6, request.record.offset('eui64')),
    movImmediate(r2, 1),
    jumpIf('==', r1, immediate(0), done),
    load('u64', r2, r0, SOURCE_LOW),
    be64(r2),
    xor(r2, r1),
  )
  assembler.place(done)
  assembler.emit(storeField(request, 'eui64', r2))
}
