// Networks that may not come in, one rule each: what lists of hijacked and hostile networks say. Some
// lie in others: the first counts.

import type { Family } from 'iptables-parser'
import { anyAddress, prefixText, within } from '../address.ts'
import { pick, type Random } from '../random.ts'
import type { Series } from '../workload.ts'
import { listed, nftSet } from './listed.ts'

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

export const networks = (family: Family): Series =>
  listed(family, 'networks', (random, size) => {
    const known = distinctNetworks(family, random, size)
    const names = [...known.keys()]
    return {
      names,
      source(index) {
        const { address, length } = known.get(names[index] ?? '') ?? anyNetwork(family, random)
        return within(address, length, random, family)
      },
      nft: nftSet(family, names, true),
    }
  })

const anyNetwork = (family: Family, random: Random): Network => ({
  address: anyAddress(family, random),
  length: pick(random, lengths[family]),
})

/** By how rules name them. */
function distinctNetworks(family: Family, random: Random, count: number): ReadonlyMap<string, Network> {
  const known = new Map<string, Network>()
  while (known.size < count) {
    const network = anyNetwork(family, random)
    known.set(prefixText(network.address, network.length, family), network)
  }
  return known
}
