// What random rules ask of a protocol and its header.

import { type Grammar, not, portRanges, ports, sometimes } from './grammar.ts'
import { chunkTests, dccpOptions } from './list-match.ts'

const tcpFlagSets = [
  'SYN,RST,ACK,FIN SYN',
  'ALL NONE',
  'SYN,ACK SYN,ACK',
  'FIN FIN',
  'RST RST',
  'ALL ACK',
] as const
const icmpTypes = {
  4: ['any', '8', '0', '3', '3/3', '11', '8/5'],
  6: ['128', '129', '1', '1/4', '3', '128/5', '135'],
} as const
const port = (grammar: Grammar, option: '--sport' | '--dport'): string =>
  ` ${not(grammar)}${option} ${grammar.random.pick([...ports, ...portRanges])}`

export const ecnBits = (grammar: Grammar): string => {
  const { random } = grammar
  if (random.chance(0.4)) return ` -m ecn ${not(grammar)}--ecn-ip-ect ${random.below(4)}`
  const flags = random.sample(['--ecn-tcp-ece', '--ecn-tcp-cwr'], 1 + random.below(2))
  return ` -m ecn ${flags.map(flag => `${not(grammar)}${flag}`).join(' ')}`
}

const tcp = (grammar: Grammar): string =>
  [
    ' -p tcp -m tcp',
    sometimes(grammar, 0.3, () => port(grammar, '--sport')),
    sometimes(grammar, 0.6, () => port(grammar, '--dport')),
    grammar.has('tcp-flags')
      ? sometimes(grammar, 0.3, () => ` ${not(grammar)}--tcp-flags ${grammar.random.pick(tcpFlagSets)}`)
      : '',
    grammar.has('tcp-option')
      ? sometimes(
          grammar,
          0.15,
          () => ` ${not(grammar)}--tcp-option ${grammar.random.pick([2, 3, 8, 33, 254])}`,
        )
      : '',
    grammar.has('ecn') ? sometimes(grammar, 0.1, () => ecnBits(grammar)) : '',
  ].join('')

const udp = (grammar: Grammar): string =>
  [
    ' -p udp -m udp',
    sometimes(grammar, 0.3, () => port(grammar, '--sport')),
    sometimes(grammar, 0.6, () => port(grammar, '--dport')),
  ].join('')

const icmp = (grammar: Grammar): string => {
  const type = grammar.random.pick(icmpTypes[grammar.family])
  return grammar.family === 4
    ? ` -p icmp -m icmp ${not(grammar)}--icmp-type ${type}`
    : ` -p ipv6-icmp -m icmp6 ${not(grammar)}--icmpv6-type ${type}`
}

const multiport = (grammar: Grammar): string => {
  const { random } = grammar
  const list = random.sample([...ports, '1:21', '2000:3000'], 1 + random.below(4)).join(',')
  const side = random.pick(['--sports', '--dports', '--ports'])
  return ` -p ${random.pick(['tcp', 'udp'])} -m multiport ${not(grammar)}${side} ${list}`
}

const protocol = (grammar: Grammar): string =>
  ` ${not(grammar)}-p ${grammar.random.pick(['tcp', 'udp', '47', 'esp', '132'])}`

const fragment = (grammar: Grammar): string => (grammar.family === 4 ? ` ${not(grammar)}-f` : '')

const ported = (grammar: Grammar, name: 'sctp' | 'dccp'): string =>
  [
    ` -p ${name} -m ${name}`,
    sometimes(grammar, 0.3, () => port(grammar, '--sport')),
    sometimes(grammar, 0.5, () => port(grammar, '--dport')),
  ].join('')

const sctp = (grammar: Grammar): string =>
  ported(grammar, 'sctp') +
  (grammar.has('chunks')
    ? sometimes(grammar, 0.5, () => ` ${not(grammar)}--chunk-types ${grammar.random.pick(chunkTests)}`)
    : '')

const dccp = (grammar: Grammar): string =>
  ported(grammar, 'dccp') +
  sometimes(
    grammar,
    0.4,
    () =>
      ` ${not(grammar)}--dccp-types ${grammar.random.pick(['REQUEST,DATA', 'RESET', 'INVALID', 'ACK,SYNC'])}`,
  ) +
  (grammar.has('dccp-option')
    ? sometimes(grammar, 0.4, () => ` ${not(grammar)}--dccp-option ${grammar.random.pick(dccpOptions)}`)
    : '')

const spis = ['256', '0:255', '1000:4294967295', '70000'] as const

/** In IPv6 the authentication header is another match. */
const ipsec = (grammar: Grammar): string => {
  const { random, family } = grammar
  const name = random.pick(family === 4 ? ['esp', 'ah', 'ipcomp'] : ['esp', 'ipcomp'])
  return ` -p ${name} -m ${name}${sometimes(grammar, 0.7, () => ` ${not(grammar)}--${name}spi ${random.pick(spis)}`)}`
}

const tcpmss = (grammar: Grammar): string =>
  ` -p tcp -m tcpmss ${not(grammar)}--mss ${grammar.random.pick(['1460', '0:1400', '1000:65535', '536'])}`

/** Of which a rule has at most one, since each names the protocol. */
const protocols = {
  tcp,
  udp,
  icmp,
  multiport,
  protocol,
  fragment,
  sctp,
  dccp,
  ipsec,
  tcpmss,
} as const

export const protocolPart = (grammar: Grammar): string => {
  const known = (Object.keys(protocols) as (keyof typeof protocols)[]).filter(grammar.has)
  if (known.length === 0) return ''
  return sometimes(grammar, 0.75, () => protocols[grammar.random.pick(known)](grammar))
}
