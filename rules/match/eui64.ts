import { known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { headersOf } from '../packet.ts'
import type { MacAddress } from '../value/mac.ts'

/** The lower half of the source address is made of the source MAC address. */
export interface Eui64Match {
  readonly kind: 'eui64'
}

export const eui64 = defineMatch<Eui64Match>()({
  name: 'eui64',
  families: [6],
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: {},
  build: () => ({ kind: 'eui64' }),
  print: () => '',
  // iptables has the blank behind it, not before
  list: () => 'eui64 ',
  /** net/ipv6/netfilter/ip6t_eui64.c */
  evaluate: (_match, packet) =>
    BigInt.asUintN(64, headersOf(packet).source) ===
    interfaceId(known(packet.sourceMac, 'which MAC address it came from')),
})

const HALF = 2 ** 24

/** RFC 4291 appendix A: fffe between the halves of the MAC address, and its universal bit flipped. */
const interfaceId = (mac: MacAddress): bigint =>
  ((BigInt(Math.floor(mac / HALF)) ^ 0x02_00_00n) << 40n) | 0xff_fe_00_00_00n | BigInt(mac % HALF)
