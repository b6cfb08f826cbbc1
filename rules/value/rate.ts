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

/** `number` (per second) or `number/unit`, a unit being any beginning of second, minute, hour or day. */
export function parseRate(text: string, ticksPerSecond: number): Rate {
  const [, count = '', unit = 's'] = /^(\d+)(?:\/(.+))?$/.exec(text) ?? []
  const seconds = UNITS.find(({ word }) => word.startsWith(unit.toLowerCase()))?.seconds
  if (Number(count) === 0 || seconds === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is not a rate`, {
      hint: 'write number/unit; units are second, minute, hour and day',
    })
  const ticks = Math.floor((ticksPerSecond * seconds) / Number(count))
  if (ticks === 0)
    throw new RuleError('ERR_VALUE', `the rate ${text} is too fast`, {
      hint: `at most ${ticksPerSecond} a second`,
    })
  return { ticks }
}

/** In the shortest unit that loses nothing against the next longer one. */
export function printRate({ ticks }: Rate, ticksPerSecond: number): string {
  const [day, ...shorter] = UNITS
  let best: (typeof UNITS)[number] = day
  for (const unit of shorter) {
    const whole = unit.seconds * ticksPerSecond
    if (ticks > whole || Math.floor(whole / ticks) < whole % ticks) break
    best = unit
  }
  return `${Math.floor((best.seconds * ticksPerSecond) / ticks)}/${best.name}`
}
