import { RuleError } from '../error.ts'

/** Largest unsigned value of so many bits. */
export const maximum = (bits: number): number => 2 ** bits - 1

/** A whole number in C's notation (decimal, 0x hexadecimal, 0 octal), within [low, high], as xtables_strtoui reads it. */
export function parseNumber(text: string, low: number, high: number, what = 'number'): number {
  const value = cNumber(text)
  if (value === undefined) throw new RuleError('ERR_VALUE', `"${text}" is not a ${what}`)
  if (value < low || value > high)
    throw new RuleError('ERR_VALUE', `the ${what} ${text} is not between ${low} and ${high}`)
  return value
}

const DECIMAL = /^(?:0|[1-9]\d*)$/

/** As strtoul takes it, but without a minus: blanks and a plus may stand before it. */
export function cNumber(number: string): number | undefined {
  if (DECIMAL.test(number)) return Number(number)
  const text = number.replace(/^[ \t]*\+?/, '')
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16)
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return DECIMAL.test(text) ? Number(text) : undefined
}

/** Inclusive. */
export interface Range {
  readonly low: number
  readonly high: number
}

export const isIn = (value: number, { low, high }: Range): boolean => value >= low && value <= high
