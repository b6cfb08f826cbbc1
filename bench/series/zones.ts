// The firewall of a company between its zones: a chain for each pair of them, with rules for hosts and networks, single ports, ranges and lists of them, new
// connections, comments and MAC addresses, as people and their tools write them over the years. What no rule takes is dropped in a chain of its own.

import { prefixText, within } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { pick, type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

const PACKETS = 64
const ZONES = ['lan', 'dmz', 'wan', 'mgmt', 'guest', 'voip', 'iot', 'vpn', 'db', 'app'] as const
/** Zones of smaller rule sets are fewer: so many rules a pair, about. */
const LEAST_RULES = 20

/** Two zones, by number, and the chain for what goes from one to the other. */
interface Pair {
  readonly chain: string
  readonly from: number
  readonly to: number
}

/** A rule, and a packet that has what it asks for. */
interface Ruled {
  readonly text: string
  readonly flow: Flow
}

export const zones: Series = {
  title: 'a chain for each pair of zones, of rules of all kinds',
  sizes: [1_000, 10_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const pairs = pairsOf(Math.max(2, Math.min(ZONES.length, Math.floor(Math.sqrt(size / LEAST_RULES)))))
    const fixed = [...forHost, ...pairs.map(callOf), ...forRest]
    const each = Math.max(2, Math.round((size - fixed.length - before.length) / pairs.length)) - 1
    const ruled = pairs.map(pair => Array.from({ length: each }, () => ruleOf(pair, random)))
    const rules = [
      ...forHost,
      ...before,
      ...pairs.map(callOf),
      ...forRest,
      ...pairs.flatMap(({ chain }, at) => [
        ...(ruled[at] ?? []).map(({ text }) => `-A ${chain} ${text}`),
        `-A ${chain} -j log-drop`,
      ]),
    ]
    const flows = ruled.flat().map(({ flow }) => flow)
    const [last] = flows.slice(-1)
    return {
      family: 4,
      course: 'FORWARD',
      rules: rules.length,
      text: withChains(rules, ['log-drop', ...pairs.map(({ chain }) => chain)]),
      traffic: [
        { kind: 'last', flows: last ? [last] : [] },
        { kind: 'spread', flows: spread(flows.length, PACKETS).flatMap(at => flows[at] ?? []) },
        {
          kind: 'random',
          flows: Array.from({ length: PACKETS }, () => randomFlow(pairs, random)),
        },
      ],
    }
  },
}

const forHost = [
  '-A INPUT -i lo -j ACCEPT',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
]

const before = [
  '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
]

const forRest = [
  '-A FORWARD -j log-drop',
  '-A log-drop -p tcp -m comment --comment "refused connections"',
  '-A log-drop -j DROP',
]

function pairsOf(count: number): readonly Pair[] {
  const numbers = Array.from({ length: count }, (_, zone) => zone)
  return numbers.flatMap(from =>
    numbers.filter(to => to !== from).map(to => ({ chain: `${ZONES[from]}-to-${ZONES[to]}`, from, to })),
  )
}

function withChains(rules: readonly string[], names: readonly string[]): string {
  const declarations = names.map(name => `:${name} - [0:0]\n`).join('')
  return filterTable('FORWARD', 'DROP', rules).replace(/^-A /m, `${declarations}-A `)
}

/** The network of a zone, 10.x.0.0/16. */
const ZONE_LENGTH = 16
const zoneOf = (zone: number): bigint => (10n << 24n) | (BigInt(zone) << 16n)

const callOf = ({ chain, from, to }: Pair): string =>
  `-A FORWARD -s ${prefixText(zoneOf(from), ZONE_LENGTH)} -d ${prefixText(zoneOf(to), ZONE_LENGTH)} -j ${chain}`

interface Place {
  readonly asked: string
  readonly address: bigint
}

/** A host, a network or all of a zone, and one of its addresses; or nothing that is asked for. */
function placeIn(zone: number, option: string, named: number, random: Random): Place {
  const length = pick(random, [
    [2, 32],
    [1, 24],
    [1, 20],
    [1, ZONE_LENGTH],
  ] as const)
  const network = within(zoneOf(zone), ZONE_LENGTH, random)
  if (random(10) >= named) return { asked: '', address: network }
  return { asked: `${option} ${prefixText(network, length)}`, address: within(network, length, random) }
}

/** What is asked of the transport, and what a packet has of it. */
interface Service {
  readonly asked: string
  readonly protocol: number
  readonly port: number
}

const ESP = 50

const services: readonly (readonly [weight: number, draw: (random: Random) => Service])[] = [
  [9, random => tcp(random, [22, 80, 443, 3306, 5432, 8080, 1024 + random(60_000)])],
  [3, listOfPorts],
  [3, random => udp([53, 123, 161][random(3)] ?? 53)],
  [1, rangeOfPorts],
  [1, () => ({ asked: '-p icmp -m icmp --icmp-type 8', protocol: protocolNumber.icmp, port: 0 })],
  [1, () => ({ asked: '-p esp', protocol: ESP, port: 0 })],
  [2, random => ({ asked: '', protocol: protocolNumber.tcp, port: 1024 + random(60_000) })],
]

function tcp(random: Random, ports: readonly number[]): Service {
  const port = ports[random(ports.length)] ?? 443
  return { asked: `-p tcp -m tcp --dport ${port}`, protocol: protocolNumber.tcp, port }
}

const udp = (port: number): Service => ({
  asked: `-p udp -m udp --dport ${port}`,
  protocol: protocolNumber.udp,
  port,
})

function listOfPorts(random: Random): Service {
  const ports = [80, 443, 8000 + random(100), 9000 + random(500)]
  return {
    asked: `-p tcp -m multiport --dports ${ports.join(',')}`,
    protocol: protocolNumber.tcp,
    port: ports[random(ports.length)] ?? 443,
  }
}

function rangeOfPorts(random: Random): Service {
  const [low, high] = [5000 + random(1000), 7000 + random(1000)]
  const port = low + random(high - low + 1)
  return { asked: `-p udp -m udp --dport ${low}:${high}`, protocol: protocolNumber.udp, port }
}

function ruleOf({ from, to }: Pair, random: Random): Ruled {
  const source = placeIn(from, '-s', 8, random)
  const destination = placeIn(to, '-d', source.asked ? 9 : 10, random)
  const service = pick(random, services)(random)
  const asked = [
    source.asked,
    destination.asked,
    service.asked,
    random(60) === 0 ? `-m mac --mac-source 02:11:22:33:44:${(16 + random(200)).toString(16)}` : '',
    random(3) === 0 ? '-m conntrack --ctstate NEW' : '',
    random(4) === 0 ? `-m comment --comment "ticket ${random(100_000)}"` : '',
  ]
  const target = pick(random, [
    [16, 'ACCEPT'],
    [3, 'DROP'],
    [1, 'RETURN'],
  ] as const)
  return {
    text: [...asked, `-j ${target}`].filter(Boolean).join(' '),
    flow: flowOf(source.address, destination.address, service, random),
  }
}

const flowOf = (source: bigint, destination: bigint, { protocol, port }: Service, random: Random): Flow => ({
  family: 4,
  source,
  destination,
  protocol,
  // of ICMP the type, an echo request
  sourcePort: protocol === protocolNumber.icmp ? 8 : 1024 + random(60_000),
  destinationPort: port,
})

/** Between zones, for no rule in particular. */
function randomFlow(pairs: readonly Pair[], random: Random): Flow {
  const { from, to } = pairs[random(pairs.length)] ?? { from: 0, to: 1 }
  const [source, destination] = [from, to].map(zone => within(zoneOf(zone), ZONE_LENGTH, random))
  return flowOf(source ?? 0n, destination ?? 0n, tcp(random, [1024 + random(60_000)]), random)
}
