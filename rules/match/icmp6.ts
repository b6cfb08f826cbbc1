import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, printTerm, type Term, term } from '../term.ts'
import {
  type IcmpNames,
  type IcmpType,
  icmpMatches,
  listIcmpType,
  parseIcmpType,
  printIcmpType,
} from '../value/icmp.ts'
import { protocols } from '../value/protocol.ts'

export interface Icmp6Match {
  readonly kind: 'icmp6'
  readonly type: Term<IcmpType>
}

/** RFC 4443, 2710, 4861, under ip6tables' names. */
const NAMES: IcmpNames = {
  'destination-unreachable': { type: 1 },
  'no-route': { type: 1, code: 0 },
  'communication-prohibited': { type: 1, code: 1 },
  'beyond-scope': { type: 1, code: 2 },
  'address-unreachable': { type: 1, code: 3 },
  'port-unreachable': { type: 1, code: 4 },
  'failed-policy': { type: 1, code: 5 },
  'reject-route': { type: 1, code: 6 },
  'packet-too-big': { type: 2 },
  'time-exceeded': { type: 3 },
  'ttl-exceeded': { type: 3 },
  'ttl-zero-during-transit': { type: 3, code: 0 },
  'ttl-zero-during-reassembly': { type: 3, code: 1 },
  'parameter-problem': { type: 4 },
  'bad-header': { type: 4, code: 0 },
  'unknown-header-type': { type: 4, code: 1 },
  'unknown-option': { type: 4, code: 2 },
  'echo-request': { type: 128 },
  ping: { type: 128 },
  'echo-reply': { type: 129 },
  pong: { type: 129 },
  'router-solicitation': { type: 133 },
  'router-advertisement': { type: 134 },
  'neighbour-solicitation': { type: 135 },
  'neighbor-solicitation': { type: 135 },
  'neighbour-advertisement': { type: 136 },
  'neighbor-advertisement': { type: 136 },
  redirect: { type: 137 },
}

export const icmp6 = defineMatch<Icmp6Match>()({
  name: 'icmp6',
  aliases: ['icmpv6', 'ipv6-icmp'],
  families: [6],
  protocols: [protocols.icmp6],
  options: { 'icmpv6-type': option(text => parseIcmpType(text, NAMES), { negatable: true, required: true }) },
  build: ({ 'icmpv6-type': given }) => ({ kind: 'icmp6', type: asTerm(given) ?? term({}) }),
  print: match => printTerm('icmpv6-type', match.type, printIcmpType),
  list: (match, { numeric }) => listIcmpType('ipv6-icmp', match.type, NAMES, numeric),
  evaluate: (match, packet) => icmpMatches(match.type, packet),
})
