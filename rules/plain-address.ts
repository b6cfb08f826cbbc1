// Addresses in the spelling that iptables-save has for them, with a prefix's length and no bits behind it, and single ones as people write them, without.

import type { LineCursor } from './line-cursor.ts'
import { type AddressMask, prefixMask } from './value/address.ts'
import { printIpv6, readIpv6 } from './value/ipv6.ts'

const [BLANK, DOT, SLASH, DIGIT_0, DIGIT_9] = [0x20, 0x2e, 0x2f, 0x30, 0x39]

/** Undefined for what is none; the cursor then stands anywhere. */
export function readPrefix4(cursor: LineCursor): AddressMask | undefined {
  const value = readOctets(cursor)
  const length = value === undefined ? Number.NaN : readLength(cursor, 32)
  // a prefix of no length asks nothing
  if (value === undefined || !(length > 0) || (length < 32 && (value & (-1 >>> length)) !== 0))
    return undefined
  return { family: 4, value: BigInt(value >>> 0), mask: prefixMask(4, length) }
}

/** Behind a slash; without one it is a single address. */
function readLength(cursor: LineCursor, most: number): number {
  if (cursor.skips(SLASH)) return cursor.number(most)
  cursor.printed = false
  return most
}

/** Four octets, up to a slash or a blank, as a signed number of 32 bits: in one loop, since long rule files hold little else. */
function readOctets(cursor: LineCursor): number | undefined {
  const { text } = cursor
  let { at } = cursor
  let value = 0
  let octet = 0
  let digits = 0
  let count = 0
  while (count < 4) {
    const code = text.charCodeAt(at++)
    if (code >= DIGIT_0 && code <= DIGIT_9) {
      // no zero stands before other digits
      if (digits > 2 || (digits > 0 && octet === 0)) return undefined
      octet = octet * 10 + code - DIGIT_0
      digits++
    } else {
      const isEnd = count < 3 ? code === DOT : code === SLASH || code === BLANK
      if (digits === 0 || octet > 255 || !isEnd) return undefined
      value = (value << 8) | octet
      octet = 0
      digits = 0
      count++
    }
  }
  cursor.at = at - 1
  return value
}

export function readPrefix6(cursor: LineCursor): AddressMask | undefined {
  const word = cursor.word()
  const slash = word.indexOf('/')
  const address = slash < 0 ? word : word.slice(0, slash)
  cursor.at -= word.length - address.length
  const length = readLength(cursor, 128)
  const value = length > 0 ? readIpv6(address) : undefined
  const mask = prefixMask(6, length)
  if (value === undefined || (value & mask) !== value || printIpv6(value) !== address) return undefined
  return { family: 6, value, mask }
}
