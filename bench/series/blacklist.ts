// Source addresses that may not come in, one rule each: what fail2ban and its like write.

import { ipv4Text, unicast } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

const PACKETS = 64

export const blacklist: Series = {
  title: 'a blacklist of source addresses, a rule for each',
  sizes: [10, 1_000, 100_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const sources = distinct(random, size)
    const from = (index: number): Flow => flowFrom(sources[index] ?? 0n, random)
    return {
      family: 4,
      course: 'INPUT',
      rules: size,
      text: filterTable(
        'INPUT',
        'ACCEPT',
        sources.map(source => `-A INPUT -s ${ipv4Text(source)}/32 -j DROP`),
      ),
      traffic: [
        { kind: 'last', flows: [from(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(from) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, () => flowFrom(unicast(random), random)) },
      ],
      nft: nftSet(sources),
    }
  },
}

function distinct(random: Random, count: number): bigint[] {
  const sources = new Set<bigint>()
  while (sources.size < count) sources.add(unicast(random))
  return [...sources]
}

const flowFrom = (source: bigint, random: Random): Flow => ({
  family: 4,
  source,
  destination: unicast(random),
  protocol: protocolNumber.tcp,
  sourcePort: 1024 + random(60_000),
  destinationPort: 443,
})

const nftSet = (sources: readonly bigint[]): string => `table ip bench {
  set sources {
    type ipv4_addr
    elements = { ${sources.map(ipv4Text).join(',\n')} }
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ip saddr @sources counter drop
  }
}
`
