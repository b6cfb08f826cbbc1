import { RuleError } from '../error.ts'
import { cNumber } from './number.ts'

const LAST = (1n << 64n) - 1n

/** An unsigned 64-bit number in C's notation. */
export function parseBigNumber(text: string, what = 'number'): bigint {
  const value = /^\s*\+?[1-9]\d*$/.test(text) ? BigInt(text.trim().replace('+', '')) : readPrefixed(text)
  if (value === undefined) throw new RuleError('ERR_VALUE', `"${text}" is not a ${what}`)
  if (value > LAST) throw new RuleError('ERR_VALUE', `the ${what} ${text} is not between 0 and ${LAST}`)
  return value
}

/** Hexadecimal, octal or 0, which BigInt spells 0x and 0o. */
function readPrefixed(text: string): bigint | undefined {
  if (cNumber(text) === undefined) return undefined
  const digits = text.trim().replace('+', '')
  return BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits)
}
