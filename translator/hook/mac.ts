// The source address of the Ethernet header.

import { add, addImmediate, be16, be32, lshImmediate, mov, or } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { loadImmediate64, loadMember, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r7 } from '../asm/register.ts'
import { MAC_THERE } from '../field.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

const ARPHRD_ETHER = 1
const ETHERNET_BYTES = 14

/** With the skb in r7. */
export function emitMac(assembler: Assembler, request: PrologueRequest): void {
  const none = assembler.label('no_mac')
  loadSource(assembler, none)
  assembler.emit(...storeMac(request))
  assembler.place(none)
}

/**
 * The source address to r1, its first four bytes, and r2, its last two, as they stand, and the header to r0: only of what came from an Ethernet device, its header still
 * before the network header (mac_mt in net/netfilter/xt_mac.c). Else goes to `none`.
 */
export function loadSource(assembler: Assembler, none: Label): void {
  assembler.emit(
    loadMember('u64', r1, r7, 'sk_buff', 'dev'),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u16', r2, r1, 'net_device', 'type'),
    jumpIf('!=', r2, immediate(ARPHRD_ETHER), none),
    loadMember('u16', r1, r7, 'sk_buff', 'mac_header'),
    loadMember('u16', r2, r7, 'sk_buff', 'network_header'),
    mov(r3, r1),
    addImmediate(r3, ETHERNET_BYTES),
    jumpIf('>', r3, register(r2), none),
    loadMember('u64', r2, r7, 'sk_buff', 'head'),
    add(r1, r2),
    typeId(r2, 'ethhdr'),
    callKfunc('bpf_rdonly_cast'),
    loadMember('u32', r1, r0, 'ethhdr', 'h_source'),
    mov(r3, r0),
    addImmediate(r3, 4),
    loadMember('u16', r2, r3, 'ethhdr', 'h_source'),
  )
}

/** Of the skb in r1, which came in an Ethernet frame: the address that the frame was for, its first four bytes into r1 and its last two into r2. */
export const loadDestination = (): Instruction[] => [
  loadMember('u16', r2, r1, 'sk_buff', 'mac_header'),
  loadMember('u64', r1, r1, 'sk_buff', 'head'),
  add(r1, r2),
  typeId(r2, 'ethhdr'),
  callKfunc('bpf_rdonly_cast'),
  loadMember('u32', r1, r0, 'ethhdr', 'h_dest'),
  addImmediate(r0, 4),
  loadMember('u16', r2, r0, 'ethhdr', 'h_dest'),
]

/** Puts a MAC address into the record, whose first four bytes are in r1 and its last two in r2, as they stand. */
export const storeMac = (request: PrologueRequest): Instruction[] => [
  be32(r1),
  be16(r2),
  lshImmediate(r1, 16),
  or(r1, r2),
  loadImmediate64(r2, MAC_THERE),
  or(r1, r2),
  storeField(request, 'mac', r1),
]
