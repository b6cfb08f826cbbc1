// What xdp and tc judge, and what they leave. A packet is plain where its first header says all there is to know before the transport
// header. Of others these hooks cannot be sure: fragments are put together only later, options and extension headers may have the kernel drop
// the packet, whether a multicast packet is delivered is decided elsewhere, and bpf_fib_lookup routes link-local addresses its own way. They pass uncounted; a program at nf-input that judges only
// packets that are not plain (or of a device that is not listed) then decides them. Both ask the same questions, so every packet is judged exactly once.

import type { Family } from 'iptables-parser'
import { andImmediate32, be16 } from '../asm/alu.ts'
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
const MULTICAST = 224
const LOOPBACK = 127
const SOURCE_END = 15
const BROADCAST_END = 255
const IPV6_MULTICAST = 0xff
/** fe80::/10 */
const IPV6_LINK_LOCAL = { mask: 0xffc0, value: 0xfe80 } as const

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
  )
  // some of these the kernel takes for martians, depending on its settings (ip_route_input_slow)
  for (const address of [12, 16])
    assembler.emit(
      load('u8', r1, r0, address),
      jumpIf('>=', r1, immediate(MULTICAST), odd, 32),
      jumpIf('==', r1, immediate(LOOPBACK), odd, 32),
      jumpIf('==', r1, immediate(0), odd, 32),
    )
  // a source that is a network's broadcast address is a martian too; which are, routing knows, but all of networks of /24 and larger end so
  assembler.emit(load('u8', r1, r0, SOURCE_END), jumpIf('==', r1, immediate(BROADCAST_END), odd, 32))
}

function plainIpv6(assembler: Assembler, odd: Label): void {
  assembler.emit(load('u16', r1, r0, 4), jumpIf('==', r1, immediate(0), odd, 32))
  for (const address of [8, 24])
    assembler.emit(
      load('u8', r1, r0, address),
      jumpIf('==', r1, immediate(IPV6_MULTICAST), odd, 32),
      // unspecified, loopback, mapped IPv4: some are not to come from outside (ip6_rcv_core)
      load('u64', r1, r0, address),
      jumpIf('==', r1, immediate(0), odd),
      load('u16', r1, r0, address),
      be16(r1),
      andImmediate32(r1, IPV6_LINK_LOCAL.mask),
      jumpIf('==', r1, immediate(IPV6_LINK_LOCAL.value), odd, 32),
    )
  assembler.emit(load('u8', r1, r0, 6))
  jumpIfExtension(assembler, r1, odd)
}
