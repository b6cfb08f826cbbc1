import { accept, bpftables, headers } from './bpftables.ts'
import type { Contender } from './contender.ts'
import { iptables } from './iptables.ts'
import { nftSet } from './nft-set.ts'
import { nothing } from './nothing.ts'

/** All contenders by the names that the command line has for them, in the order of the tables. */
export const contenders: Readonly<Record<string, Contender>> = {
  none: nothing,
  accept,
  headers,
  xdp: bpftables('xdp'),
  tc: bpftables('tc'),
  netfilter: bpftables('netfilter'),
  'iptables-legacy': iptables('legacy'),
  // beside itself: what two are apart that are the same
  'legacy-again': { ...iptables('legacy'), name: 'iptables-legacy, again' },
  'iptables-nft': iptables('nft'),
  'nft-set': nftSet,
}

export const contenderNames = Object.keys(contenders)
