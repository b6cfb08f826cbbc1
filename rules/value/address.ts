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

export const fullMask = (family: Family): bigint => prefixMask(family, addressBits(family))

/** By length. Rule sets hold hundreds of thousands of masks, and few different ones. */
const prefixMasks = (family: Family): readonly bigint[] =>
  Array.from({ length: addressBits(family) + 1 }, (_, length) => {
    const bits = BigInt(addressBits(family))
    return ((1n << BigInt(length)) - 1n) << (bits - BigInt(length))
  })

const MASKS = { 4: prefixMasks(4), 6: prefixMasks(6) } as const

export const prefixMask = (family: Family, length: number): bigint => MASKS[family][length] ?? 0n

const LENGTHS: Readonly<Record<Family, ReadonlyMap<bigint, number>>> = {
  4: new Map(MASKS[4].map((mask, length) => [mask, length])),
  6: new Map(MASKS[6].map((mask, length) => [mask, length])),
}

/** The length of a mask that is a prefix, else undefined. */
export const prefixLength = (family: Family, mask: bigint): number | undefined =>
  mask === MASKS[family].at(-1) ? addressBits(family) : LENGTHS[family].get(mask)

export const addressMatches = ({ value, mask }: AddressMask, address: bigint): boolean =>
  (address & mask) === value

/** `address`, `address/length` or `address/mask`; a short IPv4 address such as `10.1/16` is filled up with zeros. */
export function parseAddressMask(text: string, family: Family): AddressMask {
  const slash = text.indexOf('/')
  const mask = slash < 0 ? fullMask(family) : parseMask(text.slice(slash + 1), family)
  const host = slash < 0 ? text : text.slice(0, slash)
  const value = parseHost(host, family)
  const whole = mask === fullMask(family)
  return { family, value: whole ? value : value & mask, mask }
}

/** An address as iptables reads host names: IPv4 also short, and in octal and hexadecimal. */
export const parseHost = (text: string, family: Family): bigint =>
  (family === 4 ? readHost(text) : undefined) ?? parseAddress(text, family)

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
  const mask = family === 4 ? readOctets(text, 4) : readIpv6(text)
  if (mask === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is neither a prefix length nor an IPv${family} mask`)
  return mask
}

export function readIpv4(text: string): bigint | undefined {
  const value = readDotted(text, 4)
  return value === undefined ? undefined : BigInt(value)
}

/** `10.1` is 10.1.0.0; what does not fit so is read as inet_aton does, where `10.256` is 10.0.1.0. */
function readHost(text: string): bigint | undefined {
  const value = readDotted(text, 1)
  return value === undefined ? (readOctets(text, 1) ?? readAton(text)) : BigInt(value)
}

/** Up to four numbers in C's notation, at least `least` of them, the others being zero. */
function readOctets(text: string, least: number): bigint | undefined {
  const octets = text.split('.').map(cNumber)
  if (octets.length < least || octets.length > 4) return undefined
  const value = octets.reduce(
    (sum, octet) => (sum === undefined || octet === undefined || octet > 255 ? undefined : sum * 256 + octet),
    0,
  )
  return value === undefined ? undefined : BigInt(value * 256 ** (4 - octets.length))
}

/** The last of up to four numbers fills the bytes that are left. */
function readAton(text: string): bigint | undefined {
  const dot = text.lastIndexOf('.')
  const last = cNumber(text.slice(dot + 1))
  const before = dot < 0 ? 0n : readOctets(text.slice(0, dot), 1)
  const left = 5 - text.split('.').length
  if (last === undefined || before === undefined || left < 1 || last >= 256 ** left) return undefined
  return before + BigInt(last)
}

const [DIGIT_0, DIGIT_9, DOT] = [0x30, 0x39, 0x2e]

/** Four decimal numbers up to 255, without zeros before them; at least `least` of them, the others being zero. */
function readDotted(text: string, least: number): number | undefined {
  let value = 0
  let count = 0
  for (let at = 0; at <= text.length; at++) {
    const start = at
    let octet = 0
    for (; at < text.length && text.charCodeAt(at) !== DOT; at++) {
      const code = text.charCodeAt(at)
      if (code < DIGIT_0 || code > DIGIT_9) return undefined
      octet = octet * 10 + code - DIGIT_0
    }
    const digits = at - start
    if (digits === 0 || digits > 3 || octet > 255 || (digits > 1 && text.charCodeAt(start) === DIGIT_0))
      return undefined
    value = value * 256 + octet
    if (++count > 4) return undefined
  }
  return count < least ? undefined : value * 256 ** (4 - count)
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
