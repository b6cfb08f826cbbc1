// The fields that rules ask about. A hook's prologue reads those a program needs, once per packet, into the packet record (see
// emit/record.ts); trees compare them there.

import type { Family } from 'iptables-parser'
import type { AddressTypeField } from './address-type-field.ts'
import { type ExtensionKind, type ExtensionPart, extensionKinds, extensionParts } from './extension-field.ts'
import { hooksAt, netfilterHooks } from './hook/place.ts'
import type { Hook } from './program.ts'
import { answerCount, isQuestionField, type QuestionField, questionTitle } from './question.ts'
import type { Interval, Point } from './tree/interval.ts'

export type FieldName =
  // the IP header
  | 'saddr'
  | 'daddr'
  | 'protocol'
  | 'fragment'
  | 'length'
  | 'ttl'
  | 'tos'
  // what its addresses are to routing
  | AddressTypeField
  // the transport header
  | 'transport'
  // where it begins, for questions that look behind it: 0 where there is none
  | 'transport-offset'
  | 'sport'
  | 'dport'
  | 'icmp-type'
  | 'icmp-code'
  | 'tcp-flags'
  | 'ecn-flags'
  | 'tcp-options'
  | `tcp-options-${TcpOptionWord}`
  | 'mss'
  | 'dccp-type'
  | 'spi'
  | 'mobility-next'
  | 'mobility-type'
  // IPv6 extension headers
  | ExtensionKind
  | ExtensionPart
  | 'header-kinds'
  // where the source address differs from what the MAC address would make of it: 0 nowhere
  | 'eui64'
  // what travels with the packet
  | 'iif'
  | 'oif'
  | 'iif-group'
  | 'oif-group'
  | 'mac'
  | 'packet-type'
  | 'mark'
  | 'cpu'
  | 'realm'
  | 'bridge'
  | 'physin'
  | 'physout'
  | 'socket'
  | 'uid'
  | 'gid'
  | 'groups'
  | 'classid'
  | 'cgroup'
  // when it is looked at
  | 'clock'
  | ClockField
  // its connection
  | 'ctstate'
  | 'ctstatus'
  | 'ctdir'
  | 'ctproto'
  | 'ctmark'
  | 'ctexpire'
  | 'cthelper'
  | `ct${TupleAddress}`
  | `ct${TupleAddress}port`
  // what code finds out
  | QuestionField

/** What a calendar makes of the clock. */
export type ClockField = 'day-second' | 'week-day' | 'month-day' | 'month-day-before'

/** Kinds of TCP options, 32 to a word. */
export type TcpOptionWord = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
export const tcpOptionWords: readonly TcpOptionWord[] = [0, 1, 2, 3, 4, 5, 6, 7]

/** A connection's addresses, as --ctorigsrc and the like name them. */
export type TupleAddress = 'origsrc' | 'origdst' | 'replsrc' | 'repldst'
export const tupleAddresses: readonly TupleAddress[] = ['origsrc', 'origdst', 'replsrc', 'repldst']

/** Bits of a field; those above 32 have bigints for values. */
export type FieldBits = 1 | 2 | 3 | 8 | 16 | 32 | 64 | 128

export interface Field {
  readonly name: FieldName
  /** What a user would call it. */
  readonly title: string
  /** Width of a value in bits; an address's depends on the family. */
  bits(family: Family): FieldBits
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
  /** A fragment that begins 8 bytes into the transport header. It stands here since what makes TCP matches drop is one interval so. */
  overlap: 3,
  /** Not the first fragment. */
  later: 4,
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
  135: 6, // mobility header
  136: 8, // udplite
}

/** Values of `ctstate`; the order makes common sets such as RELATED,ESTABLISHED one interval. */
export const ctstate = { INVALID: 0, NEW: 1, RELATED: 2, ESTABLISHED: 3, UNTRACKED: 4 } as const

/** Bits of `ctstatus` (enum ip_conntrack_status). */
export const ctstatus = {
  EXPECTED: 1,
  SEEN_REPLY: 2,
  ASSURED: 4,
  CONFIRMED: 8,
  SNAT: 16,
  DNAT: 32,
} as const

/** Values of `saddr-type` and `daddr-type` (RTN_*, linux/rtnetlink.h); a look-up yields no other. */
export const addressType = { UNICAST: 1, LOCAL: 2, BROADCAST: 3, ANYCAST: 4, MULTICAST: 5 } as const

/** Bits of `bridge`: a bridge has seen the packet, and it came in or goes out by a port of one. */
export const bridge = { THERE: 1, IN: 2, OUT: 4 } as const

/** Values of `packet-type` (PACKET_HOST and those behind it, linux/if_packet.h). */
export const packetType = { unicast: 0, broadcast: 1, multicast: 2, otherhost: 3 } as const

/** Bits of `ecn-flags`. They are those of what stands where a TCP header would, in later fragments too. */
export const ecnFlags = { ECE: 1, CWR: 2, THERE: 4 } as const

/** Values of `mss` that are no size. */
export const mss = { none: 0x1_0000, malformed: 0x1_0001 } as const

/** Values of `tcp-options`: whether the list can be read. */
export const tcpOptions = { readable: 0, malformed: 1 } as const

/** `uid` and `gid` of a packet that no process sent. */
export const NOBODY = 0xffff_ffff

/** Set in `classid` beside the class where the packet has a socket. */
export const CLASS_THERE = 1n << 32n

/** Set in `mac` beside the address where the packet came in an Ethernet frame. */
export const MAC_THERE = 1n << 48n

const netfilter: readonly Hook[] = netfilterHooks
/** Where programs look into the routing tables. */
const routed: readonly Hook[] = ['xdp', 'tc-ingress', ...netfilterHooks]
/** Where packets go out by a device. */
const leaving: readonly Hook[] = hooksAt('FORWARD', 'OUTPUT', 'POSTROUTING')
/** Where a packet may be with the socket it is from or for. */
const local: readonly Hook[] = hooksAt('INPUT', 'OUTPUT', 'POSTROUTING')
/** Where a socket of this machine may have sent the packet. */
const sending: readonly Hook[] = hooksAt('OUTPUT', 'POSTROUTING')
/** Where packets have come in by a device. */
const received: readonly Hook[] = ['xdp', 'tc-ingress', ...hooksAt('PREROUTING', 'INPUT', 'FORWARD')]
const address = (family: Family): 32 | 128 => (family === 4 ? 32 : 128)

const field = (
  name: FieldName,
  title: string,
  bits: FieldBits | Field['bits'],
  hooks?: readonly Hook[],
): Field => ({
  name,
  title,
  bits: typeof bits === 'function' ? bits : () => bits,
  ...(hooks && { hooks }),
})

const optionWord = (word: TcpOptionWord): Field => field(`tcp-options-${word}`, 'TCP options', 32)
const connection = (name: FieldName, title: string, bits: FieldBits | Field['bits']): Field =>
  field(name, title, bits, netfilter)

const found = (kind: ExtensionKind): Field => field(kind, `${kind.replace('-header', '')} header`, 32)
const part = (name: ExtensionPart): Field => {
  const [title, bits] = extensionParts[name]
  return field(name, title, bits)
}
const named = <N extends FieldName>(names: readonly N[], make: (name: N) => Field) =>
  Object.fromEntries(names.map(name => [name, make(name)])) as { readonly [M in N]: Field }

const fields: { readonly [N in Exclude<FieldName, QuestionField>]: Field } = {
  saddr: field('saddr', 'source address', address),
  daddr: field('daddr', 'destination address', address),
  protocol: field('protocol', 'protocol', 8),
  fragment: field('fragment', 'second and further fragments', 1),
  length: field('length', 'packet length', 32),
  ttl: field('ttl', 'TTL or hop limit', 8),
  tos: field('tos', 'type of service', 8),
  'saddr-type': field('saddr-type', 'type of the source address', 8, routed),
  'saddr-type-in': field('saddr-type-in', 'type of the source address on the input interface', 8, routed),
  'saddr-type-out': field('saddr-type-out', 'type of the source address on the output interface', 8, leaving),
  'daddr-type': field('daddr-type', 'type of the destination address', 8, routed),
  'daddr-type-in': field(
    'daddr-type-in',
    'type of the destination address on the input interface',
    8,
    routed,
  ),
  'daddr-type-out': field(
    'daddr-type-out',
    'type of the destination address on the output interface',
    8,
    leaving,
  ),
  transport: field('transport', 'extent of the transport header', 3),
  'transport-offset': field('transport-offset', 'offset of the transport header', 32),
  sport: field('sport', 'source port', 16),
  dport: field('dport', 'destination port', 16),
  'icmp-type': field('icmp-type', 'ICMP type', 8),
  'icmp-code': field('icmp-code', 'ICMP code', 8),
  'tcp-flags': field('tcp-flags', 'TCP flags', 8),
  'ecn-flags': field('ecn-flags', 'ECN flags of TCP', 3),
  'tcp-options': field('tcp-options', 'list of TCP options', 1),
  'tcp-options-0': optionWord(0),
  'tcp-options-1': optionWord(1),
  'tcp-options-2': optionWord(2),
  'tcp-options-3': optionWord(3),
  'tcp-options-4': optionWord(4),
  'tcp-options-5': optionWord(5),
  'tcp-options-6': optionWord(6),
  'tcp-options-7': optionWord(7),
  mss: field('mss', 'maximum segment size', 32),
  'dccp-type': field('dccp-type', 'DCCP packet type', 8),
  spi: field('spi', 'SPI', 32),
  'mobility-next': field('mobility-next', 'protocol behind the mobility header', 8),
  'mobility-type': field('mobility-type', 'type of the mobility header', 8),
  ...named(extensionKinds, found),
  ...named(Object.keys(extensionParts) as ExtensionPart[], part),
  'header-kinds': field('header-kinds', 'kinds of headers', 16),
  eui64: field('eui64', 'MAC address in the source address', 64, received),
  iif: field('iif', 'input interface', 128),
  // INPUT, which xdp and tc run, has none: there it is the empty name
  oif: field('oif', 'output interface', 128),
  'iif-group': field('iif-group', 'group of the input interface', 32),
  'oif-group': field('oif-group', 'group of the output interface', 32, netfilter),
  mac: field('mac', 'source MAC address', 64, received),
  'packet-type': field('packet-type', 'link-layer packet type', 3),
  mark: field('mark', 'packet mark', 32, netfilter),
  cpu: field('cpu', 'CPU that handles the packet', 32, netfilter),
  // before routing there is none
  realm: field('realm', 'routing realm', 32, hooksAt('INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING')),
  bridge: field('bridge', 'way across a bridge', 3, netfilter),
  physin: field('physin', 'bridge port it came in by', 128, netfilter),
  physout: field('physout', 'bridge port it goes out by', 128, netfilter),
  socket: field('socket', 'socket that sent the packet', 1, sending),
  uid: field('uid', 'user whose socket sent the packet', 32, sending),
  gid: field('gid', 'group whose socket sent the packet', 32, sending),
  groups: field('groups', 'further groups of the process that sent the packet', 64, sending),
  classid: field('classid', 'class of the socket', 64, local),
  cgroup: field('cgroup', 'control group of the socket', 64, local),
  clock: field('clock', 'time', 32),
  'day-second': field('day-second', 'time of day', 32),
  'week-day': field('week-day', 'day of the week', 3),
  'month-day': field('month-day', 'day of the month', 8),
  'month-day-before': field('month-day-before', 'day of the month before', 8),
  ctstate: connection('ctstate', 'connection state', 3),
  ctstatus: connection('ctstatus', 'connection status', 32),
  ctdir: connection('ctdir', 'direction within the connection', 1),
  ctproto: connection('ctproto', 'protocol of the connection', 8),
  ctexpire: connection('ctexpire', 'seconds until the connection is forgotten', 32),
  cthelper: connection('cthelper', 'helper that expected the connection', 128),
  ctmark: connection('ctmark', 'connection mark', 32),
  ctorigsrc: connection('ctorigsrc', 'original source of the connection', address),
  ctorigdst: connection('ctorigdst', 'original destination of the connection', address),
  ctreplsrc: connection('ctreplsrc', 'source of replies in the connection', address),
  ctrepldst: connection('ctrepldst', 'destination of replies in the connection', address),
  ctorigsrcport: connection('ctorigsrcport', 'original source port of the connection', 16),
  ctorigdstport: connection('ctorigdstport', 'original destination port of the connection', 16),
  ctreplsrcport: connection('ctreplsrcport', 'source port of replies in the connection', 16),
  ctrepldstport: connection('ctrepldstport', 'destination port of replies in the connection', 16),
}

const ANSWER_BITS = { 2: 1, 3: 2 } as const

export const fieldOf = (name: FieldName): Field =>
  isQuestionField(name) ? field(name, questionTitle(name), ANSWER_BITS[answerCount(name)]) : fields[name]

/** All values a field can have. */
export function domain(name: FieldName, family: Family): Interval {
  const known = domains[family].get(name)
  if (known) return known
  const found = domainOf(name, family)
  domains[family].set(name, found)
  return found
}

/** Those that were asked for: they are asked for each rule. */
const domains: Readonly<Record<Family, Map<FieldName, Interval>>> = { 4: new Map(), 6: new Map() }

function domainOf(name: FieldName, family: Family): Interval {
  if (isQuestionField(name)) return { low: 0, end: answerCount(name) }
  const bits = fieldOf(name).bits(family)
  return bits > 32 ? { low: 0n, end: 1n << BigInt(bits) } : { low: 0, end: 2 ** bits }
}

/** A number as a point of the field: wide fields hold bigints. */
export const pointOf = (name: FieldName, family: Family, value: number | bigint): Point =>
  fieldOf(name).bits(family) > 32 ? BigInt(value) : Number(value)
