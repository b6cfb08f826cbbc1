import { RuleError } from '../error.ts'
import { maximum } from './number.ts'

/** Bytes per second, in 32 bits. */
export type ByteRate = number

const SCALES: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 }

/** `number`, or one with a unit: bit or Bps, before it k, m, g or t in thousands, or with an i in 1024s. Without a unit it is bits. */
export function parseByteRate(text: string): ByteRate {
  const parts = /^(\d+\.?\d*|\.\d+)(?:([kmgt]?)(i?)(bit|bps))?$/i.exec(text)
  if (!parts)
    throw new RuleError('ERR_VALUE', `"${text}" is not a rate`, {
      hint: 'write a number and a unit such as bit, kbit, Mibit, Bps or kBps',
    })
  const [, number = '', prefix = '', binary = '', unit = 'bit'] = parts
  const scale = (binary ? 1024 : 1000) ** (SCALES[prefix.toLowerCase()] ?? 0)
  const rate = Math.floor((Number(number) * scale) / (unit.toLowerCase() === 'bit' ? 8 : 1))
  if (rate > maximum(32))
    throw new RuleError('ERR_VALUE', `the rate ${text} is too high`, { hint: 'at most 34359Mbit' })
  return rate
}

/** In bits, and in thousands or millions of them from a million or a milliard on. */
export function printByteRate(rate: ByteRate): string {
  const bits = rate * 8
  if (bits >= 1e9) return `${roundEven(bits, 1e6)}Mbit`
  return bits >= 1e6 ? `${roundEven(bits, 1e3)}Kbit` : `${bits}bit`
}

/** As C's printf rounds: to even where two are as near. */
function roundEven(value: number, unit: number): number {
  const [whole, rest] = [Math.floor(value / unit), value % unit]
  return rest * 2 > unit || (rest * 2 === unit && whole % 2 === 1) ? whole + 1 : whole
}
