import { option } from '../option.ts'
import { maximum, parseNumber } from './number.ts'

/** What becomes of the TTL or hop limit; it stays within 0 and 255. */
export interface HopChange {
  readonly change: 'set' | 'inc' | 'dec'
  readonly hops: number
}

export const LAST_HOP = maximum(8)

/** An option of TTL or HL: `--ttl-set 64`. */
export const hopOption = (change: HopChange['change'], excludes: readonly string[]) =>
  option(
    (text): HopChange => ({
      change,
      hops: parseNumber(text, change === 'set' ? 0 : 1, LAST_HOP, 'number of hops'),
    }),
    { excludes },
  )

const LISTED = { set: 'set to', inc: 'increment by', dec: 'decrement by' } as const

/** ` TTL set to 64` */
export const listHopChange = (name: string, { change, hops }: HopChange): string =>
  ` ${name} ${LISTED[change]} ${hops}`
