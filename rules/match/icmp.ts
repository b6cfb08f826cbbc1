import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { printTerm, type Term, term } from '../term.ts'
import {
  type IcmpNames,
  type IcmpType,
  icmpMatches,
  listIcmpType,
  parseIcmpType,
  printIcmpType,
} from '../value/icmp.ts'
import { protocols } from '../value/protocol.ts'

export interface IcmpMatch {
  readonly kind: 'icmp'
  readonly type: Term<IcmpType>
}

/** RFC 792, 950, 1191, 1256, 1812, under iptables' names. */
const NAMES: IcmpNames = {
  any: {},
  'echo-reply': { type: 0 },
  pong: { type: 0 },
  'destination-unreachable': { type: 3 },
  'network-unreachable': { type: 3, code: 0 },
  'host-unreachable': { type: 3, code: 1 },
  'protocol-unreachable': { type: 3, code: 2 },
  'port-unreachable': { type: 3, code: 3 },
  'fragmentation-needed': { type: 3, code: 4 },
  'source-route-failed': { type: 3, code: 5 },
  'network-unknown': { type: 3, code: 6 },
  'host-unknown': { type: 3, code: 7 },
  'network-prohibited': { type: 3, code: 9 },
  'host-prohibited': { type: 3, code: 10 },
  'TOS-network-unreachable': { type: 3, code: 11 },
  'TOS-host-unreachable': { type: 3, code: 12 },
  'communication-prohibited': { type: 3, code: 13 },
  'host-precedence-violation': { type: 3, code: 14 },
  'precedence-cutoff': { type: 3, code: 15 },
  'source-quench': { type: 4 },
  redirect: { type: 5 },
  'network-redirect': { type: 5, code: 0 },
  'host-redirect': { type: 5, code: 1 },
  'TOS-network-redirect': { type: 5, code: 2 },
  'TOS-host-redirect': { type: 5, code: 3 },
  'echo-request': { type: 8 },
  ping: { type: 8 },
  'router-advertisement': { type: 9 },
  'router-solicitation': { type: 10 },
  'time-exceeded': { type: 11 },
  'ttl-exceeded': { type: 11 },
  'ttl-zero-during-transit': { type: 11, code: 0 },
  'ttl-zero-during-reassembly': { type: 11, code: 1 },
  'parameter-problem': { type: 12 },
  'ip-header-bad': { type: 12, code: 0 },
  'required-option-missing': { type: 12, code: 1 },
  'timestamp-request': { type: 13 },
  'timestamp-reply': { type: 14 },
  'address-mask-request': { type: 17 },
  'address-mask-reply': { type: 18 },
}

/** 255 in a rule means any type, as the kernel has it. */
const ANY = 255

/** The code beside it is kept, though nothing but -L shows it. */
const withoutAny = ({ type, ...rest }: IcmpType): IcmpType =>
  type === ANY || type === undefined ? rest : { type, ...rest }

export const icmp = defineMatch<IcmpMatch>()({
  name: 'icmp',
  families: [4],
  protocols: [protocols.icmp],
  options: { 'icmp-type': option(text => parseIcmpType(text, NAMES), { negatable: true, required: true }) },
  build: ({ 'icmp-type': given }) => ({
    kind: 'icmp',
    type: term(given ? withoutAny(given.value) : {}, given?.negated),
  }),
  print: match => printTerm('icmp-type', match.type, printIcmpType),
  list: (match, { numeric }) => listIcmpType('icmp', match.type, NAMES, numeric),
  evaluate: (match, packet) => icmpMatches(match.type, packet),
})
