import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { parseName, printName } from '../value/name.ts'

/** Feeds a rate estimator, for the match rateest to ask (net/core/gen_estimator.c). */
export interface RateestTarget {
  readonly kind: 'RATEEST'
  readonly name: string
  /** Microseconds between two samples: 250,000 times 1, 2, 4 … 32. */
  readonly interval: number
  /** The moving average forgets over `interval << averaging` microseconds. */
  readonly averaging: number
}

const NAME_SIZE = 16
const SHORTEST = 250_000
const LONGEST = SHORTEST << 5
/** iptables counts microseconds in 32 bits; what does not fit there would wrap round. */
const LIMIT = 2 ** 32
const LAST_AVERAGING = 30
const UNITS: Readonly<Record<string, number>> = { s: 1_000_000, ms: 1000, us: 1, '': 1 }

/** A time in microseconds; without a unit it is in those already. */
function parseTime(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+\.?\d*(?:e\d+)?|\.\d+)(s|ms|us|)(?:ecs?)?$/i.exec(text) ?? []
  const scale = UNITS[unit.toLowerCase()]
  if (number === '' || scale === undefined || (unit === '' && /ec/i.test(text)))
    throw new RuleError('ERR_VALUE', `"${text}" is not a time`, {
      hint: 'write a number with s, ms or us, such as 250ms',
    })
  const time = Math.trunc(Number(number) * scale)
  if (time >= LIMIT) throw new RuleError('ERR_VALUE', `the time ${text} is too long`)
  return time
}

/** As iptables-save prints it, with one decimal. */
function printTime(time: number): string {
  if (time >= 1_000_000) return `${(time / 1_000_000).toFixed(1)}s`
  return time >= 1000 ? `${(time / 1000).toFixed(1)}ms` : `${time}us`
}

/** The next interval the kernel has. */
function sampling(time: number): number {
  if (time > LONGEST) throw new RuleError('ERR_VALUE', 'the interval is too long', { hint: 'at most 8s' })
  return [0, 1, 2, 3, 4].map(shift => SHORTEST << shift).find(interval => time <= interval) ?? LONGEST
}

/** The largest weight of the past, 1 - 2^-n, with which the average forgets fast enough. */
function averaging(time: number, constant: number): number {
  let shift = 1
  while (shift <= LAST_AVERAGING && time / -Math.log(1 - 2 ** -shift) <= constant) shift++
  if (shift === 1 || shift > LAST_AVERAGING)
    throw new RuleError('ERR_VALUE', 'the averaging time does not go with the interval', {
      hint: 'give --rateest-ewmalog at least twice --rateest-interval',
    })
  return shift - 1
}

export const RATEEST = defineTarget<RateestTarget>()({
  name: 'RATEEST',
  options: {
    'rateest-name': option(text => parseName(text, NAME_SIZE, 'rate estimator'), { required: true }),
    'rateest-interval': option(parseTime, { required: true }),
    'rateest-ewmalog': option(parseTime, { required: true }),
  },
  verdict: 'continue',
  build(given) {
    const time = given['rateest-interval']?.value ?? 0
    const interval = sampling(time)
    const shift = averaging(time, given['rateest-ewmalog']?.value ?? 0)
    if (interval * 2 ** shift >= LIMIT)
      throw new RuleError('ERR_VALUE', 'the averaging time does not fit the kernel', {
        hint: 'give --rateest-interval at least 250ms',
      })
    return { kind: 'RATEEST', name: given['rateest-name']?.value ?? '', interval, averaging: shift }
  },
  print: ({ name, interval, averaging }) =>
    ` --rateest-name ${printName(name)} --rateest-interval ${printTime(interval)}` +
    ` --rateest-ewmalog ${printTime(interval * 2 ** averaging)}`,
  list: ({ name, interval, averaging }) =>
    ` name ${name} interval ${printTime(interval)} ewmalog ${printTime(interval * 2 ** averaging)}`,
})
