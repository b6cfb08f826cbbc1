import { RuleError } from '../error.ts'
import { maximum, parseNumber } from './number.ts'

/** What a 32-bit mark must be on the bits of `mask`. Bits of `value` outside of it are kept: no mark has them. */
export interface MaskedMark {
  readonly value: number
  readonly mask: number
}

const ALL = maximum(32)

/** `value` or `value/mask`. */
export function parseMark(text: string, what = 'mark'): MaskedMark {
  const [value = '', mask, ...rest] = text.split('/')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a ${what}`, { hint: 'write value/mask' })
  return {
    value: parseNumber(value, 0, ALL, what),
    mask: mask === undefined ? ALL : parseNumber(mask, 0, ALL, `${what} mask`),
  }
}

/** In hexadecimal, the mask only where it leaves bits out. */
export const printMark = ({ value, mask }: MaskedMark): string =>
  mask === ALL ? hex(value) : `${hex(value)}/${hex(mask)}`

export const markMatches = ({ value, mask }: MaskedMark, mark: number): boolean =>
  (mark & mask) >>> 0 === value

export const hex = (value: number): string => `0x${value.toString(16)}`
