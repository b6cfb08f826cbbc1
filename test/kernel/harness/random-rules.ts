import { baseChains, type Family, type TableName } from 'iptables-parser'
import { peerMac } from '../../packet/link.ts'
import { programs, u32Tests } from './byte-match.ts'
import { extensionMatches } from './extension.ts'
import { chunkTests, dccpOptions } from './list-match.ts'
import { innerAddresses, type Nat, outerAddresses } from './nat.ts'
import { type Random, seeded } from './random.ts'

/** What random rules may use. */
export const features = [
  'chains',
  'goto',
  'return',
  'no-target',
  'negation',
  'prefix',
  'interface',
  'wildcard',
  'protocol',
  'fragment',
  'tcp',
  'tcp-flags',
  'tcp-option',
  'udp',
  'icmp',
  'multiport',
  'conntrack',
  'state',
  'connection',
  'connmark',
  'sctp',
  'dccp',
  'chunks',
  'dccp-option',
  'ipsec',
  'tcpmss',
  'iprange',
  'mark',
  'length',
  'ttl',
  'tos',
  'ecn',
  'pkttype',
  'mac',
  'devgroup',
  'cpu',
  'addrtype',
  'statistic',
  'extension',
  'u32',
  'bpf',
  'physdev',
] as const
export type Feature = (typeof features)[number]

export interface RandomRulesOptions {
  readonly seed: number
  readonly family: Family
  readonly features?: readonly Feature[]
  /** In all chains together; 40 by default. */
  readonly rules?: number
  /** filter unless given. */
  readonly table?: TableName
  /** Whose addresses rules may ask for too. */
  readonly nat?: Nat | undefined
}

interface Grammar {
  readonly random: Random
  readonly family: Family
  readonly nat: Nat | undefined
  readonly has: (feature: Feature) => boolean
}

const addresses = {
  4: ['192.0.2.1', '192.0.2.2', '192.0.2.17', '192.0.2.18', '198.51.100.7', '10.1.2.3'],
  6: ['2001:db8::1', '2001:db8::2', '2001:db8::11', '2001:db8::12', '2001:db8:1::7', 'fd00::3'],
} as const

const prefixes = {
  4: [
    '192.0.2.0/24',
    '192.0.2.0/28',
    '192.0.2.16/30',
    '10.0.0.0/8',
    '0.0.0.0/1',
    '198.51.100.6/31',
    '192.0.0.2/255.255.0.255',
  ],
  6: ['2001:db8::/32', '2001:db8::/64', '2001:db8::10/126', 'fd00::/8', '::/1', '2001:db8:1::6/127'],
} as const

const ports = [22, 53, 80, 443, 1024, 40000, 61000] as const
const portRanges = ['1:1023', '80:443', '1024:65535', '61000:61499', ':22', '443:'] as const
const devices = ['eth0', 'eth1', 'ppp0', 'lo'] as const
const wildcards = ['eth+', 'ppp+', 'e+', '+'] as const
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
const states = [
  'NEW',
  'ESTABLISHED',
  'RELATED',
  'INVALID',
  'RELATED,ESTABLISHED',
  'NEW,INVALID',
  'UNTRACKED',
] as const

/** `! ` now and then. */
const not = ({ random, has }: Grammar): string => (has('negation') && random.chance(0.25) ? '! ' : '')

const sometimes = ({ random }: Grammar, probability: number, text: () => string): string =>
  random.chance(probability) ? text() : ''

const addressPool = ({ random, family, nat, has }: Grammar): readonly string[] => {
  if (nat !== undefined && random.chance(0.3)) return innerAddresses(nat)
  return has('prefix') && random.chance(0.6) ? prefixes[family] : addresses[family]
}

const address = (grammar: Grammar, option: '-s' | '-d'): string =>
  ` ${not(grammar)}${option} ${grammar.random.pick(addressPool(grammar))}`

const device = (grammar: Grammar, option: '-i' | '-o'): string => {
  const { random, has } = grammar
  const pool = has('wildcard') && random.chance(0.4) ? wildcards : devices
  return ` ${not(grammar)}${option} ${random.pick(pool)}`
}

const hasNoInput = (chain: string): boolean => chain === 'OUTPUT' || chain === 'POSTROUTING'
const hasNoOutput = (chain: string): boolean => chain === 'INPUT' || chain === 'PREROUTING'

/** The base chains that have no input or no output device refuse to be asked for it. */
const interfaces = (grammar: Grammar, chain: string): string => {
  if (!grammar.has('interface')) return ''
  return [
    hasNoInput(chain) ? '' : sometimes(grammar, 0.3, () => device(grammar, '-i')),
    hasNoOutput(chain) ? '' : sometimes(grammar, 0.3, () => device(grammar, '-o')),
  ].join('')
}

const port = (grammar: Grammar, option: '--sport' | '--dport'): string =>
  ` ${not(grammar)}${option} ${grammar.random.pick([...ports, ...portRanges])}`

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

const protocolPart = (grammar: Grammar): string => {
  const known = (Object.keys(protocols) as (keyof typeof protocols)[]).filter(grammar.has)
  if (known.length === 0) return ''
  return sometimes(grammar, 0.75, () => protocols[grammar.random.pick(known)](grammar))
}

const statePart = (grammar: Grammar): string => {
  const { random, has } = grammar
  const options = [
    ...(has('conntrack') ? ['-m conntrack', '--ctstate'] : []),
    ...(has('state') ? ['-m state', '--state'] : []),
  ]
  if (options.length === 0) return ''
  const first = 2 * random.below(options.length / 2)
  return sometimes(
    grammar,
    0.25,
    () => ` ${options[first]} ${not(grammar)}${options[first + 1]} ${random.pick(states)}`,
  )
}

const ranges = {
  4: ['192.0.2.1-192.0.2.17', '192.0.2.3-192.0.2.2', '10.0.0.0-198.51.100.7'],
  6: ['2001:db8::1-2001:db8::11', '2001:db8::3-2001:db8::2', 'fd00::-fd00::3'],
} as const

const markValues = [
  '0x1',
  '0x0',
  '0x11',
  '0x10/0x10',
  '0x0/0xff',
  '0x80000000/0x80000000',
  '0x1/0xf',
  '0x100/0x102',
] as const

/** `-m name --option value` for a value drawn from some. */
const simple =
  (name: string, option: string, values: readonly string[]) =>
  (grammar: Grammar): string =>
    ` -m ${name} ${not(grammar)}--${option} ${grammar.random.pick(values)}`

const hops = (grammar: Grammar): string => {
  const name = grammar.family === 4 ? 'ttl' : 'hl'
  const value = grammar.random.pick(['64', '63', '1', '2', '128', '0', '255'])
  if (grammar.random.chance(0.5)) return ` -m ${name} ${not(grammar)}--${name}-eq ${value}`
  return ` -m ${name} --${name}-${grammar.random.pick(['lt', 'gt'])} ${value}`
}

const typeOfService = (grammar: Grammar): string =>
  grammar.random.chance(0.5)
    ? simple('tos', 'tos', ['0x10/0x3f', '0x00/0xff', '0x08', '0x02/0x03', '0x04/0x84', '0xb8/0xfc'])(grammar)
    : simple('dscp', 'dscp', ['0x00', '0x2e', '0x08', '0x3f', '0x01'])(grammar)

const ecnBits = (grammar: Grammar): string => {
  const { random } = grammar
  if (random.chance(0.4)) return ` -m ecn ${not(grammar)}--ecn-ip-ect ${random.below(4)}`
  const flags = random.sample(['--ecn-tcp-ece', '--ecn-tcp-cwr'], 1 + random.below(2))
  return ` -m ecn ${flags.map(flag => `${not(grammar)}${flag}`).join(' ')}`
}

const deviceGroup = (grammar: Grammar, chain: string): string => {
  const { random } = grammar
  const groups = ['0x5', '0x0', '0x5/0xff', '0x100/0x100']
  const side = hasNoInput(chain) ? 'dst' : hasNoOutput(chain) ? 'src' : random.pick(['src', 'dst'])
  return ` -m devgroup ${not(grammar)}--${side}-group ${random.pick(groups)}`
}

/** Matches that go with every protocol; those that only some chains can have are left to the base chains that do. */
const others: Readonly<Partial<Record<Feature, (grammar: Grammar, chain: string) => string>>> = {
  iprange: grammar => {
    const { random, family } = grammar
    return ` -m iprange ${not(grammar)}--${random.pick(['src', 'dst'])}-range ${random.pick(ranges[family])}`
  },
  mark: simple('mark', 'mark', markValues),
  connmark: simple('connmark', 'mark', ['0x2', '0x0', '0x100/0x100', '0x102', '0x2/0xf']),
  length: simple('length', 'length', ['0:60', '52', '64', '64:1000', '40:47', '72']),
  ttl: hops,
  tos: typeOfService,
  pkttype: simple('pkttype', 'pkt-type', ['unicast', 'broadcast', 'multicast']),
  mac: (grammar, chain) =>
    ['PREROUTING', 'INPUT', 'FORWARD'].includes(chain)
      ? simple('mac', 'mac-source', [peerMac, '02:00:00:00:00:55', '00:00:00:00:00:00'])(grammar)
      : '',
  devgroup: (grammar, chain) => (chain.startsWith('user') ? '' : deviceGroup(grammar, chain)),
  physdev: (grammar, chain) => {
    const { random } = grammar
    const asked = ['--physdev-in eth0', '--physdev-is-in', '--physdev-is-bridged', '--physdev-in e+']
    const outward =
      chain === 'OUTPUT' || chain.startsWith('user') ? [] : ['--physdev-out eth1', '--physdev-is-out']
    return ` -m physdev ${not(grammar)}${random.pick([...asked, ...outward])}`
  },
  // what is drawn must be certain, or no two firewalls agree
  statistic: grammar => {
    const { random } = grammar
    if (random.chance(0.2))
      return ` -m statistic --mode random ${not(grammar)}--probability ${random.below(2)}`
    const every = 1 + random.below(5)
    return ` -m statistic --mode nth ${not(grammar)}--every ${every} --packet ${random.below(every)}`
  },
  addrtype: grammar => {
    const { random, family } = grammar
    const types =
      family === 4
        ? ['LOCAL', 'BROADCAST', 'UNICAST', 'MULTICAST', 'LOCAL,BROADCAST']
        : ['UNICAST', 'MULTICAST']
    const sides = random.sample(['src', 'dst'], 1 + random.below(2))
    return ` -m addrtype${sides.map(side => ` ${not(grammar)}--${side}-type ${random.pick(types)}`).join('')}`
  },
  cpu: simple('cpu', 'cpu', ['0', '1']),
  u32: grammar => ` -m u32 ${not(grammar)}--u32 "${grammar.random.pick(u32Tests)}"`,
  bpf: ({ random }) => ` -m bpf --bytecode "${random.pick(programs)}"`,
  extension: ({ random, family }) => (family === 6 ? ` ${random.pick(extensionMatches)}` : ''),
  connection: grammar => ` -m conntrack${connection(grammar)}`,
}

/** '' where there is nothing else to ask, or not in this chain. */
const other = (grammar: Grammar, chain: string): string => {
  const known = (Object.keys(others) as Feature[]).filter(grammar.has)
  return known.length === 0 ? '' : (others[grammar.random.pick(known)]?.(grammar, chain) ?? '')
}

const connectionAsks = (grammar: Grammar): readonly string[] => {
  const { random, family, nat } = grammar
  const end = random.pick(['orig', 'repl'])
  const side = random.pick(['src', 'dst'])
  const known = [...addresses[family], ...prefixes[family].slice(0, 6)]
  const pool =
    nat === undefined || random.chance(0.5) ? known : [...innerAddresses(nat), ...outerAddresses(nat)]
  return [
    ` ${not(grammar)}--ct${end}${side} ${random.pick(pool)}`,
    ` ${not(grammar)}--ct${end}${side}port ${random.pick([...ports, ...portRanges])}`,
    ` ${not(grammar)}--ctproto ${random.pick(['6', '17', family === 4 ? '1' : '58'])}`,
    ` ${not(grammar)}--ctexpire ${random.pick(['0', '0:19', '41:200000', '15:40'])}`,
    ` --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    ` ${not(grammar)}--ctstatus ${random.pick(['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'EXPECTED', 'SEEN_REPLY,CONFIRMED'])}`,
  ]
}

const connection = (grammar: Grammar): string => {
  const { random } = grammar
  const state = sometimes(
    grammar,
    0.4,
    () => ` ${not(grammar)}--ctstate ${random.pick([...states, 'DNAT', 'SNAT,NEW'])}`,
  )
  return state + random.sample(connectionAsks(grammar), 1 + random.below(2)).join('')
}

const call = ({ random, has }: Grammar, chain: string): string =>
  ` ${has('goto') && random.chance(0.3) ? '-g' : '-j'} ${chain}`

/** Whether it asks little, so that many packets would end here. */
const isWide = (asked: string): boolean => (asked.match(/ --?[a-z]/g)?.length ?? 0) < 3

/** `later` are the user chains after this one: chains only ever call those, so that there are no loops. */
const target = (grammar: Grammar, asked: string, later: readonly string[]): string => {
  const { random, has } = grammar
  if (has('no-target') && random.chance(isWide(asked) ? 0.65 : 0.2)) return ''
  if (later.length > 0 && random.chance(0.25)) return call(grammar, random.pick(later))
  if (has('return') && random.chance(0.2)) return ' -j RETURN'
  return ` -j ${random.pick(['ACCEPT', 'ACCEPT', 'DROP'])}`
}

/** Now and then one thing alone, which many packets meet. */
const conditions = (grammar: Grammar, chain: string): string =>
  sometimes(grammar, 0.2, () => other(grammar, chain)) ||
  [
    sometimes(grammar, 0.4, () => address(grammar, '-s')),
    sometimes(grammar, 0.4, () => address(grammar, '-d')),
    interfaces(grammar, chain),
    protocolPart(grammar),
    statePart(grammar),
    sometimes(grammar, 0.35, () => other(grammar, chain)),
  ].join('')

/** A rule always asks something, or what comes after it would rarely be met. */
const rule = (grammar: Grammar, chain: string, later: readonly string[]): string => {
  const asked = conditions(grammar, chain) || address(grammar, '-s')
  return `-A ${chain}${asked}${target(grammar, asked, later)}`
}

/** Tables before the filter table let most pass, or nothing would get there. */
const policies = (table: TableName): readonly string[] =>
  table === 'filter'
    ? ['ACCEPT', 'ACCEPT', 'DROP']
    : ['ACCEPT', 'ACCEPT', 'ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP']

/** A rule that calls a user chain from one before it, asking little. */
const callOf = (
  grammar: Grammar,
  bases: readonly string[],
  users: readonly string[],
  user: string,
): string => {
  const { random } = grammar
  const chain = random.pick([...bases, ...users.slice(0, users.indexOf(user))])
  const asked = sometimes(grammar, 0.7, () => address(grammar, random.pick(['-s', '-d'])))
  return `-A ${chain}${asked}${call(grammar, user)}`
}

const insert = ({ random }: Grammar, lines: readonly string[], line: string): readonly string[] =>
  lines.toSpliced(random.below(lines.length + 1), 0, line)

/** What only tracked connections have: left out of some rule sets, since tracking puts fragments together before rules see them. */
const tracked: readonly Feature[] = ['conntrack', 'state', 'connection', 'connmark']

/**
 * A random table as iptables-save text. Values come from small pools, so that rules overlap. The same
 * options make the same text.
 */
export const randomRules = ({
  seed,
  family,
  features: wanted = features,
  rules = 40,
  table = 'filter',
  nat,
}: RandomRulesOptions): string => {
  const random = seeded(seed)
  const left = nat === undefined && random.chance(0.5) ? tracked : []
  const grammar: Grammar = {
    random,
    family,
    nat,
    has: feature => wanted.includes(feature) && !left.includes(feature),
  }
  const users = grammar.has('chains')
    ? Array.from({ length: 1 + random.below(6) }, (_, index) => `user-${index}`).slice(0, rules)
    : []
  const own = Array.from({ length: rules - users.length }, () => {
    const chain = random.pick([...baseChains[table], ...users])
    return rule(grammar, chain, users.slice(users.indexOf(chain) + 1))
  })
  const lines = users
    .map(user => callOf(grammar, baseChains[table], users, user))
    .reduce((all, line) => insert(grammar, all, line), own as readonly string[])
  return [
    `*${table}`,
    ...baseChains[table].map(chain => `:${chain} ${random.pick(policies(table))} [0:0]`),
    ...users.map(chain => `:${chain} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n')
}
