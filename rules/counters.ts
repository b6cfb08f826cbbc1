import { RuleError } from './error.ts'

/** What a rule, or a base chain's policy, has counted; bytes are of layer 3. Each is an unsigned 64-bit number. */
export interface Counters {
  readonly packets: bigint
  readonly bytes: bigint
}

export const noCounters: Counters = { packets: 0n, bytes: 0n }

const LIMIT = 1n << 64n

export function parseCounter(text: string): bigint {
  if (!/^\d+$/.test(text))
    throw new RuleError('ERR_COUNTER', `"${text}" is not a counter: it must be a decimal number`)
  const value = BigInt(text)
  if (value >= LIMIT)
    throw new RuleError('ERR_COUNTER', `the counter ${text} is out of range`, {
      hint: 'counters hold at most 64 bits, 18446744073709551615',
    })
  return value
}

/** `[packets:bytes]`, with its brackets. */
export function parseCounters(text: string): Counters {
  if (text === PRINTED_NONE) return noCounters
  const parts = /^\[([^:\]]*):([^:\]]*)\]$/.exec(text)
  if (!parts)
    throw new RuleError('ERR_COUNTER', `"${text}" is not a pair of counters`, {
      hint: 'write them as [packets:bytes]',
    })
  return { packets: parseCounter(parts[1] ?? ''), bytes: parseCounter(parts[2] ?? '') }
}

export const printCounters = (counters: Counters): string =>
  counters === noCounters ? PRINTED_NONE : `[${counters.packets}:${counters.bytes}]`

/** Of thousands of chains. */
const PRINTED_NONE = '[0:0]'
