// What xdp and tc judge, and what they leave. A packet is plain where its first header says all there is to know before the transport
// header. Of others these hooks cannot be sure: fragments are put together only later, options and extension headers may have the kernel drop
// the packet, whether a multicast packet is delivered is decided elsewhere. They pass uncounted; a program at nf-input that judges only
// packets that are not plain then decides them. Both ask the same questions, so every packet is judged exactly once.

import type { Family } from 'iptables-parser'
import { andImmediate32, be16, be32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load } from '../asm/memory.ts'
import { r0, r1 } from '../asm/register.ts'
import { jumpIfExtension } from './ipv6.ts'

/** Version 4, five words. */
const IPV4_PLAIN = 0x45
/** MF and the fragment offset. */
const FRAGMENT_BITS = 0x3fff
const FIRST_MULTICAST = 0xe0000000

/** Goes to `odd` where the IP header r0 points to is not plain, and on where it is. Destroys r1. */
export function emitPlainCheck(assembler: Assembler, family: Family, odd: Label): void {
  if (family === 4) plainIpv4(assembler, odd)
  else plainIpv6(assembler, odd)
}

function plainIpv4(assembler: Assembler, odd: Label): void {
  assembler.emit(
    load('u8', r1, r0, 0),
    jumpIf('!=', r1, immediate(IPV4_PLAIN), odd, 32),
    // 0 where the length does not fit (BIG TCP)
    load('u16', r1, r0, 2),
    jumpIf('==', r1, immediate(0), odd, 32),
    load('u16', r1, r0, 6),
    be16(r1),
    andImmediate32(r1, FRAGMENT_BITS),
    jumpIf('!=', r1, immediate(0), odd, 32),
    load('u32', r1, r0, 16),
    be32(r1),
    jumpIf('>=', r1, immediate(FIRST_MULTICAST), odd, 32),
  )
}

function plainIpv6(assembler: Assembler, odd: Label): void {
  assembler.emit(
    load('u16', r1, r0, 4),
    jumpIf('==', r1, immediate(0), odd, 32),
    load('u8', r1, r0, 24),
    jumpIf('==', r1, immediate(0xff), odd, 32),
    load('u8', r1, r0, 6),
  )
  jumpIfExtension(assembler, r1, odd)
}
