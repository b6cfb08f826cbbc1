// Source addresses that may not come in, one rule each: what fail2ban and its like write.

import { addressBits, type Family, printAddress } from 'iptables-parser'
import { distinctAddresses, prefixText } from '../address.ts'
import type { Series } from '../workload.ts'
import { listed, nftSet } from './listed.ts'

export const blacklist = (family: Family): Series =>
  listed(family, 'source addresses', (random, size) => {
    const sources = distinctAddresses(family, random, size)
    return {
      names: sources.map(source => prefixText(source, addressBits(family), family)),
      source: index => sources[index] ?? 0n,
      nft: nftSet(
        family,
        sources.map(source => printAddress(family, source)),
      ),
    }
  })
