// Rule sets with the structure of real ones, after the method of ClassBench (Taylor and Turner, IEEE/ACM Transactions on
// Networking 15(3), 2007): prefix lengths of both addresses drawn together, addresses nested in few networks, classes of
// ports, a mix of protocols. The weights were counted in rule sets made from the seeds acl1, fw1 and ipc1.

import { networkOf, prefixText, unicast, within } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { pick, type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

const PACKETS = 64

type Weighted<T> = readonly (readonly [weight: number, value: T])[]

/** Any port, one port, the ephemeral ports, or some other range. */
type PortClass = 'any' | 'one' | 'high' | 'range'

type Protocol = 'tcp' | 'udp' | 'icmp' | 'gre' | 'any'

export interface Profile {
  /** Prefix lengths of source and destination. */
  readonly prefixes: Weighted<readonly [source: number, destination: number]>
  readonly protocols: Weighted<Protocol>
  readonly sourcePorts: Weighted<PortClass>
  readonly destinationPorts: Weighted<PortClass>
  /** Rules for each network that addresses nest in: how often they share theirs with others. */
  readonly rulesPerSource: number
  readonly rulesPerDestination: number
}

const profiles = {
  acl: {
    prefixes: [
      [28, [32, 32]],
      [14, [31, 32]],
      [13, [32, 31]],
      [5, [31, 31]],
      [6, [32, 30]],
      [7, [23, 32]],
      [7, [32, 22]],
      [5, [30, 32]],
      [8, [27, 28]],
      [7, [24, 24]],
    ],
    protocols: [
      [87, 'tcp'],
      [8, 'any'],
      [3, 'icmp'],
      [2, 'udp'],
    ],
    sourcePorts: [[1, 'any']],
    destinationPorts: [
      [60, 'one'],
      [28, 'any'],
      [12, 'range'],
    ],
    rulesPerSource: 3,
    rulesPerDestination: 14,
  },
  fw: {
    prefixes: [
      [19, [0, 31]],
      [15, [0, 32]],
      [11, [1, 32]],
      [7, [1, 31]],
      [6, [0, 30]],
      [5, [31, 0]],
      [4, [32, 0]],
      [3, [32, 1]],
      [10, [24, 28]],
      [20, [29, 30]],
    ],
    protocols: [
      [57, 'tcp'],
      [33, 'udp'],
      [5, 'gre'],
      [4, 'icmp'],
      [1, 'any'],
    ],
    sourcePorts: [
      [77, 'any'],
      [15, 'one'],
      [8, 'high'],
    ],
    destinationPorts: [
      [63, 'one'],
      [29, 'any'],
      [8, 'high'],
    ],
    rulesPerSource: 3,
    rulesPerDestination: 1.4,
  },
  ipc: {
    prefixes: [
      [18, [32, 32]],
      [10, [31, 32]],
      [9, [23, 32]],
      [7, [24, 32]],
      [7, [23, 24]],
      [7, [32, 31]],
      [5, [25, 32]],
      [5, [24, 31]],
      [5, [0, 31]],
      [27, [28, 29]],
    ],
    protocols: [
      [38, 'udp'],
      [33, 'any'],
      [28, 'tcp'],
      [1, 'icmp'],
    ],
    sourcePorts: [
      [81, 'any'],
      [17, 'one'],
      [2, 'range'],
    ],
    destinationPorts: [
      [56, 'any'],
      [36, 'one'],
      [6, 'high'],
      [2, 'range'],
    ],
    rulesPerSource: 6,
    rulesPerDestination: 3.5,
  },
} as const satisfies Record<string, Profile>

export const classbench = (name: keyof typeof profiles): Series => ({
  title: `rules with the structure of ClassBench's seed ${name}1`,
  sizes: [100, 1_000, 10_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const boxes = distinctBoxes(profiles[name], size, random)
    const hit = (index: number): Flow => flowIn(boxes[index] ?? everything, random)
    return {
      family: 4,
      course: 'INPUT',
      rules: size,
      text: filterTable('INPUT', 'DROP', boxes.map(rule)),
      traffic: [
        { kind: 'last', flows: [hit(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(hit) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, () => flowIn(everything, random)) },
      ],
    }
  },
})

interface Prefix {
  readonly address: bigint
  readonly length: number
}

interface PortRange {
  readonly first: number
  readonly last: number
}

/** What a rule matches. */
interface Box {
  readonly source: Prefix
  readonly destination: Prefix
  readonly protocol: Protocol
  readonly sourcePorts: PortRange
  readonly destinationPorts: PortRange
  readonly accepts: boolean
}

const ANY_PORT: PortRange = { first: 0, last: 65535 }
const anywhere: Prefix = { address: 0n, length: 0 }
const everything: Box = {
  source: anywhere,
  destination: anywhere,
  protocol: 'any',
  sourcePorts: ANY_PORT,
  destinationPorts: ANY_PORT,
  accepts: true,
}

function distinctBoxes(profile: Profile, count: number, random: Random): Box[] {
  const sources = networks(Math.ceil(count / profile.rulesPerSource / 4), random)
  const destinations = networks(Math.ceil(count / profile.rulesPerDestination / 4), random)
  const boxes = new Map<string, Box>()
  while (boxes.size < count) {
    const box = randomBox(profile, sources, destinations, random)
    boxes.set(rule({ ...box, accepts: true }), box)
  }
  return [...boxes.values()]
}

/** Networks of 24 bits, for addresses to lie in. */
const networks = (count: number, random: Random): bigint[] =>
  Array.from({ length: count }, () => networkOf(unicast(random), 24))

function randomBox(
  { prefixes, protocols, sourcePorts, destinationPorts }: Profile,
  sources: readonly bigint[],
  destinations: readonly bigint[],
  random: Random,
): Box {
  const [sourceLength, destinationLength] = pick(random, prefixes)
  const protocol = pick(random, protocols)
  const hasPorts = protocol === 'tcp' || protocol === 'udp'
  return {
    source: prefixIn(sources, sourceLength, random),
    destination: prefixIn(destinations, destinationLength, random),
    protocol,
    sourcePorts: hasPorts ? portsOf(pick(random, sourcePorts), random) : ANY_PORT,
    destinationPorts: hasPorts ? portsOf(pick(random, destinationPorts), random) : ANY_PORT,
    accepts: random(3) > 0,
  }
}

function prefixIn(pool: readonly bigint[], length: number, random: Random): Prefix {
  const network = pool[random(pool.length)] ?? 0n
  return { address: networkOf(within(network, 24, random), length), length }
}

/** Ports that services have; half of the single ports are one of these. */
const WELL_KNOWN = [
  20, 21, 22, 23, 25, 53, 80, 110, 123, 137, 143, 161, 389, 443, 445, 514, 993, 1433, 1521, 3389,
]

function portsOf(of: PortClass, random: Random): PortRange {
  if (of === 'any') return ANY_PORT
  if (of === 'high') return { first: 1024, last: 65535 }
  const known = WELL_KNOWN[random(WELL_KNOWN.length)] ?? 80
  const first = random(2) === 0 ? known : 1024 + random(48_000)
  return { first, last: of === 'one' ? first : first + 1 + random(2_000) }
}

function rule({ source, destination, protocol, sourcePorts, destinationPorts, accepts }: Box): string {
  return [
    '-A INPUT',
    source.length > 0 && `-s ${prefixText(source.address, source.length)}`,
    destination.length > 0 && `-d ${prefixText(destination.address, destination.length)}`,
    protocol !== 'any' && `-p ${protocol}`,
    (sourcePorts !== ANY_PORT || destinationPorts !== ANY_PORT) && `-m ${protocol}`,
    sourcePorts !== ANY_PORT && `--sport ${portText(sourcePorts)}`,
    destinationPorts !== ANY_PORT && `--dport ${portText(destinationPorts)}`,
    `-j ${accepts ? 'ACCEPT' : 'DROP'}`,
  ]
    .filter(word => word !== false)
    .join(' ')
}

const portText = ({ first, last }: PortRange): string => (first === last ? `${first}` : `${first}:${last}`)

const numberOf: Readonly<Record<Exclude<Protocol, 'any'>, number>> = {
  tcp: protocolNumber.tcp,
  udp: protocolNumber.udp,
  icmp: protocolNumber.icmp,
  gre: 47,
}

/** A packet that the rule matches; an earlier one may take it first. */
const flowIn = (
  { source, destination, protocol, sourcePorts, destinationPorts }: Box,
  random: Random,
): Flow => ({
  family: 4,
  source: addressIn(source, random),
  destination: addressIn(destination, random),
  protocol: numberOf[protocol === 'any' ? ((['tcp', 'udp'] as const)[random(2)] ?? 'tcp') : protocol],
  ...(protocol === 'icmp'
    ? { sourcePort: 8, destinationPort: 0 }
    : { sourcePort: portIn(sourcePorts, random), destinationPort: portIn(destinationPorts, random) }),
})

const portIn = ({ first, last }: PortRange, random: Random): number => first + random(last - first + 1)

/** Of a network too wide to be all unicast, a unicast address all the same. */
function addressIn({ address, length }: Prefix, random: Random): bigint {
  if (length > 3) return within(address, length, random)
  for (;;) {
    const candidate = unicast(random)
    if (networkOf(candidate, length) === address) return candidate
  }
}
