// Rules that each name a whole five-tuple, in no order: what a decision tree cannot simplify and a hash table likes best.

import { addressBits, type Family, printAddress } from 'iptables-parser'
import { anyAddress, prefixText } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

/** Packets of each kind. */
const PACKETS = 64

export const fiveTuple = (family: Family): Series => ({
  title: `IPv${family} five-tuple rules, each naming both addresses, protocol and both ports`,
  sizes: [10, 100, 1_000, 10_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const flows = distinctFlows(family, random, size)
    const at = (index: number): Flow => flows[index] ?? randomFlow(family, random)
    return {
      family,
      course: 'INPUT',
      rules: size,
      text: filterTable('INPUT', 'DROP', flows.map(rule)),
      traffic: [
        { kind: 'last', flows: [at(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(at) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, () => randomFlow(family, random)) },
      ],
      nft: nftSet(family, flows),
    }
  },
})

const protocols = ['tcp', 'udp'] as const

const randomFlow = (family: Family, random: Random): Flow => ({
  family,
  source: anyAddress(family, random),
  destination: anyAddress(family, random),
  protocol: protocolNumber[protocols[random(2)] ?? 'tcp'],
  sourcePort: 1 + random(65535),
  destinationPort: 1 + random(65535),
})

function distinctFlows(family: Family, random: Random, count: number): Flow[] {
  const flows = new Map<string, Flow>()
  while (flows.size < count) {
    const flow = randomFlow(family, random)
    flows.set(rule(flow), flow)
  }
  return [...flows.values()]
}

const nameOf = ({ protocol }: Flow): string => (protocol === protocolNumber.tcp ? 'tcp' : 'udp')

function rule(flow: Flow): string {
  const name = nameOf(flow)
  const whole = (address: bigint): string => prefixText(address, addressBits(flow.family), flow.family)
  const addresses = `-s ${whole(flow.source)} -d ${whole(flow.destination)}`
  return `-A INPUT ${addresses} -p ${name} -m ${name} --sport ${flow.sourcePort} --dport ${flow.destinationPort} -j DROP`
}

/** One hash look-up, and one counter for all rules together. */
function nftSet(family: Family, flows: readonly Flow[]): string {
  const protocol = family === 4 ? 'ip' : 'ip6'
  const text = (address: bigint): string => printAddress(family, address)
  const elements = flows.map(
    flow =>
      `${text(flow.source)} . ${text(flow.destination)} . ${nameOf(flow)} . ${flow.sourcePort} . ${flow.destinationPort}`,
  )
  return `table ${protocol} bench {
  set tuples {
    type ipv${family}_addr . ipv${family}_addr . inet_proto . inet_service . inet_service
    elements = { ${elements.join(',\n')} }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    ${protocol} saddr . ${protocol} daddr . meta l4proto . th sport . th dport @tuples counter drop
  }
}
`
}
