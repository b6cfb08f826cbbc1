import { RuleError } from '../error.ts'
import type { Family } from '../family.ts'
import { addressBits, parseAddress, parseMask, prefixLength, printAddress } from './address.ts'

/** An address and how many of its leading bits count. Unlike AddressMask it keeps the others, since iptables-save prints them. */
export interface AddressPrefix {
  readonly family: Family
  readonly address: bigint
  readonly length: number
}

/** `address`, `address/length` or `address/mask`. */
export function parseAddressPrefix(text: string, family: Family): AddressPrefix {
  const [host = '', mask, ...rest] = text.split('/')
  if (rest.length > 0) throw new RuleError('ERR_VALUE', `"${text}" is not a network`)
  const length = mask === undefined ? addressBits(family) : prefixLength(family, parseMask(mask, family))
  if (length === undefined)
    throw new RuleError('ERR_VALUE', `the mask ${mask} is no prefix`, {
      hint: 'here iptables would take it for the whole address',
    })
  return { family, address: parseAddress(host, family), length }
}

/** With the length, also where that is all of it. */
export const printWholePrefix = ({ family, address, length }: AddressPrefix): string =>
  `${printAddress(family, address)}/${length}`

/** With the length only where bits are left out. */
export const printPrefix = (prefix: AddressPrefix): string =>
  prefix.length === addressBits(prefix.family)
    ? printAddress(prefix.family, prefix.address)
    : printWholePrefix(prefix)

export function prefixMatches({ family, address, length }: AddressPrefix, other: bigint): boolean {
  const ignored = BigInt(addressBits(family) - length)
  return address >> ignored === other >> ignored
}
