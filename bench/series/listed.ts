// Sources that may not come in, addresses or networks, with a rule for each.

import type { Family } from 'iptables-parser'
import { anyAddress } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread, type Workload } from '../workload.ts'

/** Packets of each kind. */
const PACKETS = 64

/** What is listed. */
export interface Listed {
  /** With their lengths, as rules name them. */
  readonly names: readonly string[]
  /** An address of the one at an index. */
  readonly source: (index: number) => bigint
  /** A set of them, as a person would write it for nft, and one counter for all. */
  readonly nft: string
}

/** A series of lists, of which `draw` makes one of a size. */
export const listed = (
  family: Family,
  what: string,
  draw: (random: Random, size: number) => Listed,
): Series => ({
  title: `a blacklist of IPv${family} ${what}, a rule for each`,
  sizes: [10, 1_000, 100_000],
  make(size, seed) {
    const random = randomFrom(seed)
    return workloadOf(family, random, draw(random, size))
  },
})

function workloadOf(family: Family, random: Random, { names, source, nft }: Listed): Workload {
  const at = (index: number): Flow => flowFrom(family, source(index), random)
  const randomFlow = (): Flow => flowFrom(family, anyAddress(family, random), random)
  const rules = names.map(name => `-A INPUT -s ${name} -j DROP`)
  return {
    family,
    course: 'INPUT',
    rules: names.length,
    text: filterTable('INPUT', 'ACCEPT', rules),
    traffic: [
      { kind: 'last', flows: [at(names.length - 1)] },
      { kind: 'spread', flows: spread(names.length, PACKETS).map(at) },
      { kind: 'random', flows: Array.from({ length: PACKETS }, randomFlow) },
    ],
    nft,
  }
}

const flowFrom = (family: Family, source: bigint, random: Random): Flow => ({
  family,
  source,
  destination: anyAddress(family, random),
  protocol: protocolNumber.tcp,
  sourcePort: 1024 + random(60_000),
  destinationPort: 443,
})

/** A set of sources, or with `interval` of networks. */
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
