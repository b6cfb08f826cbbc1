// What the parts of random rules are drawn with: which features a rule set has, and values from small pools, so that rules overlap.

import type { Family } from 'iptables-parser'
import { innerAddresses, type Nat } from './nat.ts'
import type { Random } from './random.ts'

/** What random rules may use. */
export const features = [
  'chains',
  'goto',
  'return',
  'no-target',
  'negation',
  'prefix',
  'interface',
  'wildcard',
  'protocol',
  'fragment',
  'tcp',
  'tcp-flags',
  'tcp-option',
  'udp',
  'icmp',
  'multiport',
  'conntrack',
  'state',
  'connection',
  'connmark',
  'sctp',
  'dccp',
  'chunks',
  'dccp-option',
  'ipsec',
  'tcpmss',
  'iprange',
  'mark',
  'length',
  'ttl',
  'tos',
  'ecn',
  'pkttype',
  'mac',
  'devgroup',
  'cpu',
  'addrtype',
  'statistic',
  'extension',
  'u32',
  'bpf',
  'physdev',
] as const
export type Feature = (typeof features)[number]

export interface Grammar {
  readonly random: Random
  readonly family: Family
  readonly nat: Nat | undefined
  readonly has: (feature: Feature) => boolean
}

export const addresses = {
  4: ['192.0.2.1', '192.0.2.2', '192.0.2.17', '192.0.2.18', '198.51.100.7', '10.1.2.3'],
  6: ['2001:db8::1', '2001:db8::2', '2001:db8::11', '2001:db8::12', '2001:db8:1::7', 'fd00::3'],
} as const

export const prefixes = {
  4: [
    '192.0.2.0/24',
    '192.0.2.0/28',
    '192.0.2.16/30',
    '10.0.0.0/8',
    '0.0.0.0/1',
    '198.51.100.6/31',
    '192.0.0.2/255.255.0.255',
  ],
  6: ['2001:db8::/32', '2001:db8::/64', '2001:db8::10/126', 'fd00::/8', '::/1', '2001:db8:1::6/127'],
} as const

export const ports = [22, 53, 80, 443, 1024, 40000, 61000] as const
export const portRanges = ['1:1023', '80:443', '1024:65535', '61000:61499', ':22', '443:'] as const
/** `! ` now and then. */
export const not = ({ random, has }: Grammar): string => (has('negation') && random.chance(0.25) ? '! ' : '')

export const sometimes = ({ random }: Grammar, probability: number, text: () => string): string =>
  random.chance(probability) ? text() : ''

const addressPool = ({ random, family, nat, has }: Grammar): readonly string[] => {
  if (nat !== undefined && random.chance(0.3)) return innerAddresses(nat)
  return has('prefix') && random.chance(0.6) ? prefixes[family] : addresses[family]
}

export const address = (grammar: Grammar, option: '-s' | '-d'): string =>
  ` ${not(grammar)}${option} ${grammar.random.pick(addressPool(grammar))}`

export const hasNoInput = (chain: string): boolean => chain === 'OUTPUT' || chain === 'POSTROUTING'
export const hasNoOutput = (chain: string): boolean => chain === 'INPUT' || chain === 'PREROUTING'
