// Rules that each name a whole five-tuple, in no order: what a decision tree cannot simplify and a hash table likes best.

import { ipv4Text, unicast } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

/** Packets of each kind. */
const PACKETS = 64

export const fiveTuple: Series = {
  title: 'five-tuple rules, each naming both addresses, protocol and both ports',
  sizes: [10, 100, 1_000, 10_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const flows = distinctFlows(random, size)
    const at = (index: number): Flow => flows[index] ?? randomFlow(random)
    return {
      family: 4,
      course: 'INPUT',
      rules: size,
      text: filterTable('INPUT', 'DROP', flows.map(rule)),
      traffic: [
        { kind: 'last', flows: [at(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(at) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, () => randomFlow(random)) },
      ],
      nft: nftSet(flows),
    }
  },
}

const protocols = ['tcp', 'udp'] as const

const randomFlow = (random: Random): Flow => ({
  family: 4,
  source: unicast(random),
  destination: unicast(random),
  protocol: protocolNumber[protocols[random(2)] ?? 'tcp'],
  sourcePort: 1 + random(65535),
  destinationPort: 1 + random(65535),
})

function distinctFlows(random: Random, count: number): Flow[] {
  const flows = new Map<string, Flow>()
  while (flows.size < count) {
    const flow = randomFlow(random)
    flows.set(rule(flow), flow)
  }
  return [...flows.values()]
}

const nameOf = ({ protocol }: Flow): string => (protocol === protocolNumber.tcp ? 'tcp' : 'udp')

function rule(flow: Flow): string {
  const name = nameOf(flow)
  const addresses = `-s ${ipv4Text(flow.source)}/32 -d ${ipv4Text(flow.destination)}/32`
  return `-A INPUT ${addresses} -p ${name} -m ${name} --sport ${flow.sourcePort} --dport ${flow.destinationPort} -j DROP`
}

/** One hash look-up, and one counter for all rules together. */
function nftSet(flows: readonly Flow[]): string {
  const elements = flows.map(
    flow =>
      `${ipv4Text(flow.source)} . ${ipv4Text(flow.destination)} . ${nameOf(flow)} . ${flow.sourcePort} . ${flow.destinationPort}`,
  )
  return `table ip bench {
  set tuples {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service
    elements = { ${elements.join(',\n')} }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    ip saddr . ip daddr . ip protocol . th sport . th dport @tuples counter drop
  }
}
`
}
