import { RuleError } from '../error.ts'
import type { Family } from '../family.ts'
import { parseHost, printAddress } from './address.ts'

/** Inclusive. */
export interface AddressRange {
  readonly family: Family
  readonly low: bigint
  readonly high: bigint
}

/** `address` or `low-high`. One that ends before it begins is taken, as iptables takes it; no address lies in it. */
export function parseAddressRange(text: string, family: Family): AddressRange {
  const [from = '', to, ...rest] = text.split('-')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range of addresses`, { hint: 'write low-high' })
  const low = parseHost(from, family)
  return { family, low, high: to === undefined ? low : parseHost(to, family) }
}

export const printAddressRange = ({ family, low, high }: AddressRange): string =>
  `${printAddress(family, low)}-${printAddress(family, high)}`

export const isInAddresses = (address: bigint, { low, high }: AddressRange): boolean =>
  address >= low && address <= high
