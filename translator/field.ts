// The fields that rules ask about. A hook's prologue reads those a program needs, once per packet, into the packet record (see
// emit/record.ts); trees compare them there.

import type { Family } from 'iptables-parser'
import type { Hook } from './program.ts'
import type { Interval, Point } from './tree/interval.ts'

export type FieldName =
  | 'saddr'
  | 'daddr'
  | 'protocol'
  | 'transport'
  | 'fragment'
  | 'sport'
  | 'dport'
  | 'icmp-type'
  | 'icmp-code'
  | 'tcp-flags'
  | 'iif'
  | 'oif'
  | 'ctstate'
  | 'ctnat'

export interface Field {
  readonly name: FieldName
  /** What a user would call it. */
  readonly title: string
  /** Width of a value in bits; an address's depends on the family. */
  bits(family: Family): 1 | 2 | 3 | 8 | 16 | 32 | 128
  /** Absent: every hook knows it. */
  readonly hooks?: readonly Hook[]
}

/** How much of the transport header a packet has. Rules that look into it ask for `whole`; of the rest some make the kernel drop the packet. */
export const transport = {
  /** At least the fixed header of the packet's own protocol (see headerSizes). */
  whole: 0,
  /** Less than that, but the ports are there. */
  ports: 1,
  /** Less than four bytes. */
  short: 2,
  /** Not the first fragment. */
  later: 3,
  /** A fragment that begins 8 bytes into the transport header. */
  overlap: 4,
  /** IPv6 only: the extension headers are cut off before the protocol. */
  unreachable: 5,
} as const

/** Bytes of the fixed transport header that the kernel's matches ask for, by protocol number. Others have none. */
export const headerSizes: Readonly<Record<number, number>> = {
  1: 8, // icmp
  6: 20, // tcp
  17: 8, // udp
  33: 12, // dccp
  50: 8, // esp
  51: 12, // ah
  58: 8, // icmp6
  108: 4, // ipcomp
  132: 12, // sctp
  136: 8, // udplite
}

/** Values of `ctstate`; the order makes common sets such as RELATED,ESTABLISHED one interval. */
export const ctstate = { INVALID: 0, NEW: 1, RELATED: 2, ESTABLISHED: 3, UNTRACKED: 4 } as const

/** Bits of `ctnat`. */
export const ctnat = { SNAT: 1, DNAT: 2 } as const

const netfilter: readonly Hook[] = ['nf-input', 'nf-forward', 'nf-output']
const address = (family: Family): 32 | 128 => (family === 4 ? 32 : 128)

const field = (name: FieldName, title: string, bits: Field['bits'], hooks?: readonly Hook[]): Field => ({
  name,
  title,
  bits,
  ...(hooks && { hooks }),
})

export const fields: { readonly [N in FieldName]: Field } = {
  saddr: field('saddr', 'source address', address),
  daddr: field('daddr', 'destination address', address),
  protocol: field('protocol', 'protocol', () => 8),
  transport: field('transport', 'extent of the transport header', () => 3),
  fragment: field('fragment', 'second and further fragments', () => 1),
  sport: field('sport', 'source port', () => 16),
  dport: field('dport', 'destination port', () => 16),
  'icmp-type': field('icmp-type', 'ICMP type', () => 8),
  'icmp-code': field('icmp-code', 'ICMP code', () => 8),
  'tcp-flags': field('tcp-flags', 'TCP flags', () => 8),
  iif: field('iif', 'input interface', () => 128),
  // INPUT, which xdp and tc run, has none: there it is the empty name
  oif: field('oif', 'output interface', () => 128),
  ctstate: field('ctstate', 'connection state', () => 3, netfilter),
  ctnat: field('ctnat', 'address translation of the connection', () => 2, netfilter),
}

/** All values a field can have. */
export function domain(name: FieldName, family: Family): Interval {
  const bits = fields[name].bits(family)
  return bits > 32 ? { low: 0n, end: 1n << BigInt(bits) } : { low: 0, end: 2 ** bits }
}

/** A number as a point of the field: wide fields hold bigints. */
export const pointOf = (name: FieldName, family: Family, value: number | bigint): Point =>
  fields[name].bits(family) > 32 ? BigInt(value) : Number(value)
