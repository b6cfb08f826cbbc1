import { RuleError } from '../error.ts'
import type { Family } from '../family.ts'
import { parseWords } from './words.ts'

/** Types of routes (RTN_*, linux/rtnetlink.h), under iptables' names, in the order of their numbers. */
export const addressTypes = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
] as const
export type AddressType = (typeof addressTypes)[number]

/** Those the kernel tells apart in IPv6 (net/netfilter/xt_addrtype.c, addrtype_mt_checkentry_v1). */
const IPV6: readonly AddressType[] = ['UNSPEC', 'UNICAST', 'LOCAL', 'ANYCAST', 'MULTICAST', 'UNREACHABLE']

export function parseAddressTypes(text: string, family: Family): AddressType[] {
  const types = parseWords(text, addressTypes, 'type of address')
  const foreign = family === 6 ? types.find(type => !IPV6.includes(type)) : undefined
  if (foreign !== undefined)
    throw new RuleError('ERR_VALUE', `no IPv6 address is of type ${foreign}`, {
      hint: `there are ${IPV6.join(', ')}`,
    })
  return types
}
