import { RuleError } from '../error.ts'
import type { ListContext } from '../extension.ts'
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
  const length = mask === undefined ? addressBits(family) : parsePrefixLength(mask, family)
  return { family, address: parseAddress(host, family), length }
}

/** A prefix length, or a mask that is one, as a length. */
export function parsePrefixLength(text: string, family: Family): number {
  const length = prefixLength(family, parseMask(text, family))
  if (length === undefined)
    throw new RuleError('ERR_VALUE', `the mask ${text} is no prefix`, {
      hint: 'iptables takes such a mask here, but its iptables-save cannot print it',
    })
  return length
}

/** With the length, also where that is all of it. */
export const printWholePrefix = ({ family, address, length }: AddressPrefix): string =>
  `${printAddress(family, address)}/${length}`

/** With the length only where bits are left out. */
export const printPrefix = (prefix: AddressPrefix): string =>
  prefix.length === addressBits(prefix.family)
    ? printAddress(prefix.family, prefix.address)
    : printWholePrefix(prefix)

/** As -L shows it: the address of zeros is `anywhere`, whatever its length, unless numbers are wanted. */
export const listPrefix = (prefix: AddressPrefix, { numeric }: ListContext): string =>
  prefix.address === 0n && !numeric ? 'anywhere' : printPrefix(prefix)

export function prefixMatches({ family, address, length }: AddressPrefix, other: bigint): boolean {
  const ignored = BigInt(addressBits(family) - length)
  return address >> ignored === other >> ignored
}
