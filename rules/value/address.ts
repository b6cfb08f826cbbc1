import { RuleError } from '../error.ts'
import type { Family } from '../family.ts'
import { printIpv6, readIpv6 } from './ipv6.ts'
import { cNumber } from './number.ts'

/** A set of addresses: those that agree with `value` on the bits of `mask`. `value` has no bits outside `mask`. */
export interface AddressMask {
  readonly family: Family
  readonly value: bigint
  readonly mask: bigint
}

export const addressBits = (family: Family): 32 | 128 => (family === 4 ? 32 : 128)

export const fullMask = (family: Family): bigint => (1n << BigInt(addressBits(family))) - 1n

export const prefixMask = (family: Family, length: number): bigint =>
  fullMask(family) ^ ((1n << BigInt(addressBits(family) - length)) - 1n)

/** The length of a mask that is a prefix, else undefined. */
export function prefixLength(family: Family, mask: bigint): number | undefined {
  const zeros = fullMask(family) ^ mask
  if ((zeros & (zeros + 1n)) !== 0n) return undefined
  return addressBits(family) - (zeros === 0n ? 0 : zeros.toString(2).length)
}

export const addressMatches = ({ value, mask }: AddressMask, address: bigint): boolean =>
  (address & mask) === value

/** `address`, `address/length` or `address/mask`; a short IPv4 network such as `10.1/16` is filled up with zeros. */
export function parseAddressMask(text: string, family: Family): AddressMask {
  const slash = text.indexOf('/')
  const mask = slash < 0 ? fullMask(family) : parseMask(text.slice(slash + 1), family)
  const host = slash < 0 ? text : text.slice(0, slash)
  const value = (slash >= 0 && family === 4 ? readNetwork(host) : undefined) ?? parseAddress(host, family)
  return { family, value: value & mask, mask }
}

export function parseAddress(text: string, family: Family): bigint {
  const value = family === 4 ? readIpv4(text) : readIpv6(text)
  if (value !== undefined) return value
  const other = family === 4 ? readIpv6(text) : readIpv4(text)
  if (other !== undefined)
    throw new RuleError(
      'ERR_VALUE',
      `"${text}" is an IPv${family === 4 ? 6 : 4} address in an IPv${family} rule`,
      { hint: `give --family ${family === 4 ? 6 : 4} if all rules are` },
    )
  throw new RuleError('ERR_VALUE', `"${text}" is not an IPv${family} address`, {
    hint: /^[\d.:a-f/]+$/i.test(text)
      ? undefined
      : 'host names are not looked up: the rules would then depend on the resolver; write the address',
  } as { hint?: string })
}

export function parseMask(text: string, family: Family): bigint {
  const length = cNumber(text)
  if (length !== undefined) {
    if (length <= addressBits(family)) return prefixMask(family, length)
    throw new RuleError('ERR_VALUE', `the prefix length ${text} is not between 0 and ${addressBits(family)}`)
  }
  const mask = family === 4 ? readIpv4(text) : readIpv6(text)
  if (mask === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is neither a prefix length nor an IPv${family} mask`)
  return mask
}

const OCTET = /^(0|[1-9]\d{0,2})$/

export function readIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => OCTET.test(part) && Number(part) <= 255)) return undefined
  return BigInt(parts.reduce((value, part) => value * 256 + Number(part), 0))
}

function readNetwork(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length > 4) return undefined
  return readIpv4([...parts, '0', '0', '0'].slice(0, 4).join('.'))
}

export const printAddress = (family: Family, value: bigint): string =>
  family === 4 ? printIpv4(value) : printIpv6(value)

const printIpv4 = (value: bigint): string => {
  const number = Number(value)
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`
}

/** With its prefix length, also where that is all of it, or its mask where the mask is no prefix. */
export function printAddressMask({ family, value, mask }: AddressMask): string {
  const length = prefixLength(family, mask)
  return `${printAddress(family, value)}/${length ?? printAddress(family, mask)}`
}
