// Addresses in the one spelling that iptables-save has for them: with a prefix's length, and no bits behind it.

import type { LineCursor } from './line-cursor.ts'
import { type AddressMask, prefixMask } from './value/address.ts'
import { printIpv6, readIpv6 } from './value/ipv6.ts'

const [DOT, SLASH, DIGIT_0, DIGIT_9] = [0x2e, 0x2f, 0x30, 0x39]

/** Undefined for what is none; the cursor then stands anywhere. */
export function readPrefix4(cursor: LineCursor): AddressMask | undefined {
  const value = readOctets(cursor)
  const length = value === undefined ? Number.NaN : cursor.number(32)
  // a prefix of no length asks nothing
  if (value === undefined || !(length > 0) || (length < 32 && (value & (-1 >>> length)) !== 0))
    return undefined
  return { family: 4, value: BigInt(value >>> 0), mask: prefixMask(4, length) }
}

/** Four octets and a slash, as a signed number of 32 bits: in one loop, since long rule files hold little else. */
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
      if (digits === 0 || octet > 255 || code !== (count < 3 ? DOT : SLASH)) return undefined
      value = (value << 8) | octet
      octet = 0
      digits = 0
      count++
    }
  }
  cursor.at = at
  return value
}

export function readPrefix6(cursor: LineCursor): AddressMask | undefined {
  const slash = cursor.text.indexOf('/', cursor.at)
  if (slash < 0 || slash > cursor.end) return undefined
  const address = cursor.text.slice(cursor.at, slash)
  cursor.at = slash + 1
  const length = cursor.number(128)
  const value = length > 0 ? readIpv6(address) : undefined
  const mask = prefixMask(6, length)
  if (value === undefined || (value & mask) !== value || printIpv6(value) !== address) return undefined
  return { family: 6, value, mask }
}
