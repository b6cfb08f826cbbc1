// Addresses that the kernel's own nat table translates, on either side of the filter table: DNAT before it (PREROUTING, OUTPUT),
// SNAT behind it (POSTROUTING, INPUT). Sketches say what the filter table sees, so a packet that opens a connection is sent to where
// DNAT takes it from, and one that answers to where SNAT took its client to.
//
// No two connections are translated to the same addresses and ports, since the kernel would then choose a port at random.

import { type Family, printAddress } from 'iptables-parser'
import { quietPort } from './flow.ts'
import { type Random, seeded } from './random.ts'

interface Destination {
  /** Left out: every protocol. */
  readonly protocol?: 6 | 17
  readonly address: bigint
  readonly port?: number
  readonly to: bigint
  readonly toPort?: number
}

interface Source {
  readonly address: bigint
  readonly to: bigint
}

/** The rules of a nat table; the first that fits translates. */
export interface Nat {
  readonly family: Family
  readonly destinations: readonly Destination[]
  readonly sources: readonly Source[]
}

/** What of a packet is translated. */
export interface Ends {
  readonly protocol: number
  readonly source: bigint
  readonly destination: bigint
  readonly dport: number
}

/** 203.0.113.1 …: asked for; 10.9.8.1 …: what answers; 172.16.5.1 …: who asks; 198.18.7.1 …: what it asks as. */
const bases = {
  4: { asked: 0xcb007101n, inner: 0x0a090801n, client: 0xac100501n, outer: 0xc6120701n },
  6: {
    asked: (0x20010db8000an << 80n) | 1n,
    inner: (0x20010db8000bn << 80n) | 1n,
    client: (0x20010db8000cn << 80n) | 1n,
    outer: (0x20010db8000dn << 80n) | 1n,
  },
} as const

const destinationsOf = (family: Family): readonly Destination[] => {
  const { asked, inner } = bases[family]
  return [
    { protocol: 6, address: asked, port: 8080, to: inner, toPort: 80 },
    { protocol: 17, address: asked, port: 5353, to: inner, toPort: 53 },
    { protocol: 6, address: asked, port: 443, to: inner + 1n },
    { address: asked, to: inner + 2n },
    { address: asked + 1n, to: inner + 3n },
  ]
}

const sourcesOf = (family: Family): readonly Source[] => {
  const { client, outer } = bases[family]
  return [0n, 1n].map(place => ({ address: client + place, to: outer + place }))
}

/** Most of the rules there can be, or none for most of the seeds. */
export const natOf = (seed: number, family: Family): Nat | undefined => {
  const random = seeded(seed ^ 0x6e6174)
  if (random.chance(0.65)) return undefined
  return {
    family,
    destinations: random.sample(destinationsOf(family), 3 + random.below(3)),
    sources: random.sample(sourcesOf(family), 1 + random.below(2)),
  }
}

/** Addresses of packets as the filter table sees them. */
export const innerAddresses = ({ family, destinations, sources }: Nat): readonly string[] =>
  [...destinations.map(({ to }) => to), ...sources.map(({ address }) => address)].map(address =>
    printAddress(family, address),
  )

/** Addresses that only the connection has. */
export const outerAddresses = ({ family, destinations, sources }: Nat): readonly string[] =>
  [...destinations.map(({ address }) => address), ...sources.map(({ to }) => to)].map(address =>
    printAddress(family, address),
  )

const protocolNames = { 6: 'tcp', 17: 'udp' } as const

/** An address and maybe a port; IPv6 addresses stand in brackets before a port. */
const endText = (family: Family, address: bigint, port: number | undefined): string => {
  const text = printAddress(family, address)
  if (port === undefined) return text
  return family === 4 ? `${text}:${port}` : `[${text}]:${port}`
}

const destinationRule = (chain: string, family: Family, rule: Destination): string => {
  const name = rule.protocol && protocolNames[rule.protocol]
  return [
    `-A ${chain} -d ${printAddress(family, rule.address)}`,
    ...(name === undefined ? [] : [`-p ${name} -m ${name}`]),
    ...(rule.port === undefined ? [] : [`--dport ${rule.port}`]),
    `-j DNAT --to-destination ${endText(family, rule.to, rule.toPort)}`,
  ].join(' ')
}

const sourceRule = (chain: string, family: Family, { address, to }: Source): string =>
  `-A ${chain} -s ${printAddress(family, address)} -j SNAT --to-source ${printAddress(family, to)}`

/** The nat table as iptables-save text. */
export const natTable = ({ family, destinations, sources }: Nat): string =>
  [
    '*nat',
    ...['PREROUTING', 'OUTPUT'].flatMap(chain =>
      destinations.map(rule => destinationRule(chain, family, rule)),
    ),
    ...['POSTROUTING', 'INPUT'].flatMap(chain => sources.map(rule => sourceRule(chain, family, rule))),
    'COMMIT',
    '',
  ].join('\n')

const fits = (rule: Destination, { protocol, destination, dport }: Ends): boolean =>
  rule.address === destination &&
  (rule.protocol ?? protocol) === protocol &&
  (rule.port === undefined || rule.port === dport)

const translated = <E extends Ends>({ destinations }: Nat, ends: E): E => {
  const rule = destinations.find(candidate => fits(candidate, ends))
  return rule === undefined ? ends : { ...ends, destination: rule.to, dport: rule.toPort ?? ends.dport }
}

/** A packet that opens a connection or goes on with it, as it is sent for the filter table to see `ends`. */
export const asked = <E extends Ends>(nat: Nat | undefined, ends: E): E => {
  const found = nat?.destinations
    .filter(({ to }) => to === ends.destination)
    .map(({ address, port }) => ({ ...ends, destination: address, dport: port ?? ends.dport }))
    .find(sent => {
      const seen = translated(nat, sent)
      return seen.destination === ends.destination && seen.dport === ends.dport
    })
  return found ?? ends
}

/** What a connection's client is known as behind the filter table. */
export const outerSource = (nat: Nat | undefined, source: bigint): bigint =>
  nat?.sources.find(({ address }) => address === source)?.to ?? source

/** A packet that answers, as it is sent for the filter table to see `ends`. */
export const answered = <E extends Ends>(nat: Nat | undefined, ends: E): E => ({
  ...ends,
  destination: outerSource(nat, ends.destination),
})

/** Ends of a connection that is translated, as the filter table sees it. */
export const translatedEnds = (random: Random, { family, destinations, sources }: Nat): Ends => {
  const { protocol, to, port, toPort } = random.pick(destinations)
  const known = sources.map(({ address }) => address)
  return {
    protocol: protocol ?? random.pick([6, 17]),
    source: random.pick([...known, bases[family].client + 2n]),
    destination: to,
    dport: toPort ?? port ?? random.pick([80, 443, 9999]),
  }
}

/** Ports of clients: those below are for connections that are made up as they come, those from here on are used once each. */
export const firstTranslatedPort = 900
export const translatedPort = (n: number): number => quietPort(firstTranslatedPort + (n % 100))
