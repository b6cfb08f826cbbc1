import { RuleError } from '../error.ts'

/** Packets per time, as the kernel keeps it: the time between two packets, in ticks. Rates that are no whole number of ticks are rounded up. */
export interface Rate {
  readonly ticks: number
}

/** In the order iptables-save tries them. */
const UNITS = [
  { name: 'day', word: 'day', seconds: 86400 },
  { name: 'hour', word: 'hour', seconds: 3600 },
  { name: 'min', word: 'minute', seconds: 60 },
  { name: 'sec', word: 'second', seconds: 1 },
] as const
type Unit = (typeof UNITS)[number]

/** `number` (per second) or `number/unit`, a unit being any beginning of second, minute, hour or day. */
export function parseRate(text: string, ticksPerSecond: number): Rate {
  const count = Number(/^\d+/.exec(text)?.[0] ?? 0)
  const seconds = unitSeconds(text)
  if (count === 0) throw notARate(text)
  const ticks = Math.floor((ticksPerSecond * seconds) / count)
  if (ticks === 0)
    throw new RuleError('ERR_VALUE', `the rate ${text} is too fast`, {
      hint: `at most ${ticksPerSecond} a second`,
    })
  return { ticks }
}

/** Of the unit that a rate is given in. */
export function unitSeconds(text: string): number {
  const given = /^\d+(?:\/(.+))?$/.exec(text)
  const unit = given?.[1]?.toLowerCase() ?? 's'
  const found = given && UNITS.find(({ word }) => word.startsWith(unit))
  if (!found) throw notARate(text)
  return found.seconds
}

const notARate = (text: string): RuleError =>
  new RuleError('ERR_VALUE', `"${text}" is not a rate`, {
    hint: 'write number/unit; units are second, minute, hour and day',
  })

export function printRate(rate: Rate, ticksPerSecond: number): string {
  const { name, seconds } = rateUnit(rate, ticksPerSecond)
  return `${Math.floor((seconds * ticksPerSecond) / rate.ticks)}/${name}`
}

/** The unit a rate is printed in: the shortest that loses nothing against the next longer one. */
export function rateUnit({ ticks }: Rate, ticksPerSecond: number): Unit {
  let best: Unit = UNITS[0]
  for (const unit of UNITS.slice(1)) {
    const whole = unit.seconds * ticksPerSecond
    if (ticks > whole || Math.floor(whole / ticks) < whole % ticks) break
    best = unit
  }
  return best
}
