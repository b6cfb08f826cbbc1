// Source addresses that may not come in, one rule each: what fail2ban and its like write.

import { type Family, printAddress } from 'iptables-parser'
import { anyAddress, distinctAddresses } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

const PACKETS = 64

export const blacklist = (family: Family): Series => ({
  title: `a blacklist of IPv${family} source addresses, a rule for each`,
  sizes: [10, 1_000, 100_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const sources = distinctAddresses(family, random, size)
    const from = (index: number): Flow => flowFrom(family, sources[index] ?? 0n, random)
    const randomFlow = (): Flow => flowFrom(family, anyAddress(family, random), random)
    const names = sources.map(source => printAddress(family, source))
    const bits = family === 4 ? 32 : 128
    return {
      family,
      course: 'INPUT',
      rules: size,
      text: filterTable(
        'INPUT',
        'ACCEPT',
        names.map(name => `-A INPUT -s ${name}/${bits} -j DROP`),
      ),
      traffic: [
        { kind: 'last', flows: [from(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(from) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, randomFlow) },
      ],
      nft: nftSet(family, names),
    }
  },
})

/** A packet from an address, as those of a blacklist. */
export const flowFrom = (family: Family, source: bigint, random: Random): Flow => ({
  family,
  source,
  destination: anyAddress(family, random),
  protocol: protocolNumber.tcp,
  sourcePort: 1024 + random(60_000),
  destinationPort: 443,
})

/** A set of sources, or with `interval` of networks, and one counter for all. */
export function nftSet(family: Family, elements: readonly string[], interval = false): string {
  const protocol = family === 4 ? 'ip' : 'ip6'
  return `table ${protocol} bench {
  set sources {
    type ipv${family}_addr
${interval ? '    flags interval\n    auto-merge\n' : ''}    elements = { ${elements.join(',\n')} }
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ${protocol} saddr @sources counter drop
  }
}
`
}
