// Networks that may not come in, one rule each: what lists of hijacked and hostile networks say. Some
// lie in others: the first counts.

import type { Family } from 'iptables-parser'
import { anyAddress, prefixText, within } from '../address.ts'
import type { Flow } from '../frame.ts'
import { pick, type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'
import { flowFrom, nftSet } from './blacklist.ts'

const PACKETS = 64

/** How often which length is, about as in published lists. */
const lengths = {
  4: [
    [50, 32],
    [20, 24],
    [8, 22],
    [6, 23],
    [6, 29],
    [5, 20],
    [5, 28],
  ],
  6: [
    [50, 64],
    [25, 128],
    [15, 56],
    [10, 48],
  ],
} as const

interface Network {
  readonly address: bigint
  readonly length: number
}

export const networks = (family: Family): Series => ({
  title: `a blacklist of IPv${family} networks, a rule for each`,
  sizes: [10, 1_000, 100_000],
  make(size, seed) {
    const random = randomFrom(seed)
    const listed = distinctNetworks(family, random, size)
    const names = [...listed.keys()]
    const at = (index: number): Flow => {
      const { address, length } = listed.get(names[index] ?? '') ?? anyNetwork(family, random)
      return flowFrom(family, within(address, length, random, family), random)
    }
    const randomFlow = (): Flow => flowFrom(family, anyAddress(family, random), random)
    return {
      family,
      course: 'INPUT',
      rules: size,
      text: filterTable(
        'INPUT',
        'ACCEPT',
        names.map(name => `-A INPUT -s ${name} -j DROP`),
      ),
      traffic: [
        { kind: 'last', flows: [at(size - 1)] },
        { kind: 'spread', flows: spread(size, PACKETS).map(at) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, randomFlow) },
      ],
      nft: nftSet(family, names, true),
    }
  },
})

const anyNetwork = (family: Family, random: Random): Network => ({
  address: anyAddress(family, random),
  length: pick(random, lengths[family]),
})

/** By how rules name them. */
function distinctNetworks(family: Family, random: Random, count: number): ReadonlyMap<string, Network> {
  const listed = new Map<string, Network>()
  while (listed.size < count) {
    const network = anyNetwork(family, random)
    listed.set(prefixText(network.address, network.length, family), network)
  }
  return listed
}
