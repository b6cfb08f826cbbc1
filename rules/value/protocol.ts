import { RuleError } from '../error.ts'
import { parseNumber } from './number.ts'

// Assigned by IANA (https://www.iana.org/assignments/protocol-numbers), under the names that /etc/protocols gives them.
const NAMES: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: 1,
  igmp: 2,
  ggp: 3,
  ipencap: 4,
  st: 5,
  tcp: 6,
  egp: 8,
  igp: 9,
  pup: 12,
  udp: 17,
  hmp: 20,
  'xns-idp': 22,
  rdp: 27,
  'iso-tp4': 29,
  dccp: 33,
  xtp: 36,
  ddp: 37,
  'idpr-cmtp': 38,
  ipv6: 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  idrp: 45,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  skip: 57,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  rspf: 73,
  vmtp: 81,
  eigrp: 88,
  ospf: 89,
  'ax.25': 93,
  ipip: 94,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  isis: 124,
  sctp: 132,
  fc: 133,
  'mobility-header': 135,
  udplite: 136,
  'mpls-in-ip': 137,
  manet: 138,
  hip: 139,
  shim6: 140,
  wesp: 141,
  rohc: 142,
  ethernet: 143,
}

// Spellings taken as well: iptables' own, and the aliases in capitals of /etc/protocols.
const ALIASES: Readonly<Record<string, number>> = {
  all: 0,
  icmpv6: 58,
  icmp6: 58,
  mh: 135,
  'ipv6-mh': 135,
  'ip-encap': 4,
  'idpr-cmtp': 38,
  hopopt: 0,
  ospfigp: 89,
  'fibre-channel': 133,
}

const BY_NUMBER: ReadonlyMap<number, string> = new Map(
  Object.entries(NAMES)
    .filter(([, n]) => n !== 0)
    .map(([name, n]) => [n, name]),
)

export const protocols = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  esp: 50,
  ah: 51,
  icmp6: 58,
  ipcomp: 108,
  sctp: 132,
  mh: 135,
  udplite: 136,
} as const

/** A protocol by number or name; 0 stands for all. */
export function parseProtocol(text: string): number {
  const lower = text.toLowerCase()
  const named = NAMES[lower] ?? ALIASES[lower]
  if (named !== undefined) return named
  if (!/^\d/.test(text))
    throw new RuleError('ERR_VALUE', `unknown protocol "${text}"`, { hint: 'give its number' })
  return parseNumber(text, 0, 255, 'protocol')
}

/** Its name where /etc/protocols has one, else its number. */
export const printProtocol = (protocol: number): string =>
  protocol === 0 ? 'all' : (BY_NUMBER.get(protocol) ?? String(protocol))

const NUMBERED: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 255 }, (_, at) => [`${at + 1}`, at + 1]),
)

const PRINTED: ReadonlyMap<string, number> = new Map([...BY_NUMBER].map(([number, name]) => [name, number]))

/** The protocol that printProtocol gives this name. */
export const printedProtocol = (name: string): number | undefined => PRINTED.get(name)

/** A protocol given as a decimal number, other than 0, which stands for all. */
export const numberedProtocol = (text: string): number | undefined => NUMBERED.get(text)
