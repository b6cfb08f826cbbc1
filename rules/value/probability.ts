import { RuleError } from '../error.ts'

/** A probability as the kernel keeps it: how many of 2^31 draws match. */
export type Probability = number

const WHOLE = 2 ** 31
/** Digits that iptables-save prints behind the point. */
const DIGITS = 11

export function parseProbability(text: string): Probability {
  const value = /^\s*\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
  if (value === undefined || value > 1)
    throw new RuleError('ERR_VALUE', `"${text}" is not a probability`, { hint: 'give a number from 0 to 1' })
  return Math.round(value * WHOLE)
}

/** As C's printf rounds: to even where two are as near. */
export function printProbability(probability: Probability): string {
  const scaled = BigInt(probability) * 10n ** BigInt(DIGITS)
  const whole = BigInt(WHOLE)
  const [quotient, rest] = [scaled / whole, (scaled % whole) * 2n]
  const up = rest > whole || (rest === whole && quotient % 2n === 1n)
  const digits = String(up ? quotient + 1n : quotient).padStart(DIGITS + 1, '0')
  return `${digits.slice(0, -DIGITS)}.${digits.slice(-DIGITS)}`
}
