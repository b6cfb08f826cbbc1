import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { parseNumber } from '../value/number.ts'
import { parseRate, printRate, type Rate } from '../value/rate.ts'

export interface LimitMatch {
  readonly kind: 'limit'
  /** In ticks of a ten-thousandth of a second. */
  readonly rate: Rate
  /** Packets that may match at once before the rate holds. */
  readonly burst: number
}

/** XT_LIMIT_SCALE. */
const TICKS_PER_SECOND = 10_000
const DEFAULT_RATE: Rate = { ticks: 1200 * TICKS_PER_SECOND }
const DEFAULT_BURST = 5
const LAST_BURST = 10_000

export const limit = defineMatch<LimitMatch>()({
  name: 'limit',
  options: {
    limit: option(text => parseRate(text, TICKS_PER_SECOND)),
    'limit-burst': option(text => parseNumber(text, 0, LAST_BURST, 'burst')),
  },
  build(given) {
    const rate = given.limit?.value ?? DEFAULT_RATE
    const burst = given['limit-burst']?.value ?? DEFAULT_BURST
    if (burst === 0 || credits(rate.ticks * burst) < credits(rate.ticks))
      throw new RuleError('ERR_VALUE', 'the kernel refuses this limit: its credit would overflow', {
        hint: 'give a lower --limit-burst (5 unless given), or a faster rate',
      })
    return { kind: 'limit', rate, burst }
  },
  print: match =>
    ` --limit ${printRate(match.rate, TICKS_PER_SECOND)}${match.burst === DEFAULT_BURST ? '' : ` --limit-burst ${match.burst}`}`,
  list: match => ` limit: avg ${printRate(match.rate, TICKS_PER_SECOND)} burst ${match.burst}`,
})

/** HZ times CREDITS_PER_JIFFY: 32,000 where HZ is 250 or 1000. */
const CREDITS_PER_SECOND = 32_000

/** user2credits of net/netfilter/xt_limit.c; it counts in 32 bits, and so do we. */
function credits(ticks: number): number {
  const wrapped = ticks % 2 ** 32
  if (wrapped > Math.floor((2 ** 32 - 1) / CREDITS_PER_SECOND))
    return (Math.floor(wrapped / TICKS_PER_SECOND) * CREDITS_PER_SECOND) % 2 ** 32
  return Math.floor((wrapped * CREDITS_PER_SECOND) / TICKS_PER_SECOND)
}
