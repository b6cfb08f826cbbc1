// Whether the lower half of an IPv6 source address is made of the MAC address (RFC 4291 appendix A, net/ipv6/netfilter/ip6t_eui64.c).

import { be16, be32, be64, lshImmediate, mov, movImmediate, or, rshImmediate, xor } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jumpIf } from '../asm/jump.ts'
import { load, loadImmediate64, loadMember } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6 } from '../asm/register.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'
import { loadSource } from './mac.ts'

/** What is put between the halves of the MAC address, and its universal bit, flipped. */
const FILLING = 0x0200_00ff_fe00_0000n
const ETHERTYPE = 0x86dd
/** Where the lower half of the source address begins in an IPv6 header. */
const SOURCE_LOW = 16

/** With the skb in r7. `checked`: its header must say that the packet is IPv6; before tags are taken off, that of a tagged packet does not. */
export function emitInterfaceId(assembler: Assembler, request: PrologueRequest, checked?: 'checked'): void {
  const none = assembler.label('no_mac')
  loadSource(assembler, none)
  if (checked)
    assembler.emit(
      loadMember('u16', r3, r0, 'ethhdr', 'h_proto'),
      be16(r3),
      jumpIf('!=', r3, immediate(ETHERTYPE), none),
    )
  assembler.emit(...storeInterfaceId(request))
  assembler.place(none)
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
