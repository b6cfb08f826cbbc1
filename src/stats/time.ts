// Times and durations as users write them on a command line, and as they are printed.

import { ServiceError } from '../service/error.ts'

/** Milliseconds. */
const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** What a time is told against; milliseconds since 1970. */
export interface Clock {
  readonly now: number
  readonly boot: number
}

/** Reads `90s`, `10m`, `2h`, `3d`, `1w` or several of them, as in `1h30m`: milliseconds. Throws ServiceError('ERR_SETTING'). */
export function parseDuration(text: string): number {
  const duration = durationOf(text)
  if (duration) return duration
  throw new ServiceError('ERR_SETTING', `"${text}" is not a duration`, 'Write 90s, 10m, 2h, 3d, 1w or 1h30m.')
}

function durationOf(text: string): number | undefined {
  if (!/^(\d+[smhdw])+$/.test(text)) return undefined
  return [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
    (total, [, count, unit = '']) => total + Number(count) * (units[unit] ?? Number.NaN),
    0,
  )
}

/**
 * Reads a point in time: ISO 8601 (local time unless it names a zone), a duration ago, `today`, `yesterday` (their midnight) or `boot`.
 * Milliseconds since 1970. Throws ServiceError('ERR_SETTING').
 */
export function parseTime(text: string, clock: Clock): number {
  const time = pointInTime(text, clock)
  if (time === undefined)
    throw new ServiceError(
      'ERR_SETTING',
      `"${text}" is not a time`,
      'Write 2026-01-31T12:00, 2026-01-31, 10m, 2h or 3d ago, today, yesterday or boot.',
    )
  if (time <= clock.now) return time
  throw new ServiceError('ERR_SETTING', `${text} is yet to come`)
}

function pointInTime(text: string, { now, boot }: Clock): number | undefined {
  if (text === 'boot') return boot
  if (text === 'today') return midnight(now, 0)
  if (text === 'yesterday') return midnight(now, 1)
  const ago = durationOf(text.replace(/ ago$/, ''))
  return ago === undefined ? parseIso(text) : now - ago
}

function midnight(now: number, daysBefore: number): number {
  const date = new Date(now)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - daysBefore).getTime()
}

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/

function parseIso(text: string): number | undefined {
  const [, year, month, day, clock = '00:00', zone = ''] = iso.exec(text) ?? []
  if (!isDay(Number(year), Number(month), Number(day))) return undefined
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/(\d\d)(\d\d)$/, '$1:$2')
  const time = Date.parse(`${year}-${month}-${day}T${clock}${offset}`)
  return Number.isNaN(time) ? undefined : time
}

/** Date takes a 30th of February for the 2nd of March. */
const isDay = (year: number, month: number, day: number): boolean =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && month >= 1 && month <= 12

const twoDigits = (value: number): string => `${value}`.padStart(2, '0')

/** `2026-01-31 12:00:00`, local time. */
export function printTime(time: number): string {
  const date = new Date(time)
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-')
  return `${day} ${printClock(time)}`
}

/** `12:00:00`, local time. */
export function printClock(time: number): string {
  const date = new Date(time)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')
}
