import { RuleError } from '../error.ts'

/** Seconds since midnight. */
export type DayTime = number
/** Seconds since 1970 began. */
export type Instant = number

export const DAY_END: DayTime = 24 * 60 * 60 - 1

const two = (value: number): string => String(value).padStart(2, '0')

/** `hh:mm` or `hh:mm:ss`. */
export function parseDayTime(text: string): DayTime {
  const [, hour, minute, second = '0'] = /^(\d+):(\d+)(?::(\d+))?$/.exec(text) ?? []
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    throw new RuleError('ERR_VALUE', `"${text}" is not a time of day`, {
      hint: 'write hh:mm or hh:mm:ss, at most 23:59:59',
    })
  return (Number(hour) * 60 + Number(minute)) * 60 + Number(second)
}

export const printDayTime = (time: DayTime): string =>
  [Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60].map(two).join(':')

const DATE = /^(\d+)(?:-(\d+)(?:-(\d+)(?:T(\d+)(?::(\d+)(?::(\d+))?)?)?)?)?$/

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`. A day that its month has not runs on into the next, as in iptables. */
export function parseInstant(text: string): Instant {
  const [, ...words] = DATE.exec(text) ?? []
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = words.map(word =>
    word === undefined ? undefined : Number(word),
  )
  const wrong =
    year < 1970 || year > 2038 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59
  if (wrong || second > 59)
    throw new RuleError('ERR_VALUE', `"${text}" is not a date from 1970 to 2038`, {
      hint: 'write YYYY-MM-DDThh:mm:ss; what is left out at the end is taken for the beginning',
    })
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000
}

export const printInstant = (instant: Instant): string => new Date(instant * 1000).toISOString().slice(0, 19)
