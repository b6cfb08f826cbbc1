import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { EvaluationError, known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { flag, type Given, option } from '../option.ts'
import {
  DAY_END,
  type DayTime,
  type Instant,
  parseDayTime,
  parseInstant,
  printDayTime,
  printInstant,
} from '../value/clock.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** When a packet is looked at. */
export interface TimeMatch {
  readonly kind: 'time'
  /** Inclusive; one that ends before it begins runs over midnight. Both or neither are there. */
  readonly dayTime?: { readonly start: DayTime; readonly stop: DayTime }
  /** From 1; absent: every one. */
  readonly monthDays?: readonly number[]
  /** Monday is 1; absent: every one. */
  readonly weekDays?: readonly number[]
  readonly start?: Instant
  readonly stop: Instant
  /** What lies behind midnight belongs to the day before. */
  readonly contiguous: boolean
  /** Times are in the kernel's time zone, otherwise in UTC. */
  readonly kernelTimeZone: boolean
}

const WEEK_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const LAST_MONTH_DAY = 31
/** iptables' own end of time, which iptables-save prints like any other. */
const END: Instant = maximum(31)

/** A day; undefined for an empty word that means none. */
type ParseDay = (word: string) => number | undefined

const parseDays =
  (last: number, parse: ParseDay) =>
  (text: string): number[] => {
    // iptables passes over a comma at the end
    const given = text
      .replace(/,$/, '')
      .split(',')
      .map(parse)
      .filter(day => day !== undefined)
    if (given.length === 0) throw new RuleError('ERR_VALUE', 'no days are given')
    return Array.from({ length: last }, (_, index) => index + 1).filter(day => given.includes(day))
  }

/** A number, or a name of which iptables reads two letters; unlike in a list of month days, nothing is no day. */
function parseWeekDay(text: string): number {
  const named = WEEK_DAYS.findIndex(name => text.startsWith(name.slice(0, 2)))
  if (named >= 0) return named + 1
  return parseNumber(text, 1, WEEK_DAYS.length, 'day of the week')
}

const parseMonthDay: ParseDay = text =>
  text === '' ? undefined : parseNumber(text, 1, LAST_MONTH_DAY, 'day of the month')

const days = (last: number, parse: ParseDay) => option(parseDays(last, parse), { negatable: true })

export const time = defineMatch<TimeMatch>()({
  name: 'time',
  options: {
    timestart: option(parseDayTime),
    timestop: option(parseDayTime),
    monthdays: days(LAST_MONTH_DAY, parseMonthDay),
    weekdays: days(WEEK_DAYS.length, parseWeekDay),
    datestart: option(parseInstant),
    datestop: option(parseInstant),
    contiguous: flag(),
    kerneltz: flag({ aliases: ['localtz'], excludes: ['utc'] }),
    utc: flag({ excludes: ['kerneltz'] }),
  },
  build(given) {
    const dayTime = { start: given.timestart?.value ?? 0, stop: given.timestop?.value ?? DAY_END }
    if (given.contiguous && dayTime.start < dayTime.stop)
      throw new RuleError('ERR_OPTION', '--contiguous makes sense only where the time runs over midnight', {
        span: given.contiguous.span,
        hint: 'give a --timestop that comes before the --timestart',
      })
    return {
      kind: 'time',
      ...defined({
        dayTime: dayTime.start === 0 && dayTime.stop === DAY_END ? undefined : dayTime,
        monthDays: chosen(given.monthdays, LAST_MONTH_DAY),
        weekDays: chosen(given.weekdays, WEEK_DAYS.length),
        start: given.datestart?.value || undefined,
      }),
      stop: given.datestop?.value ?? END,
      contiguous: given.contiguous !== undefined,
      kernelTimeZone: given.kerneltz !== undefined,
    }
  },
  print: match =>
    (match.dayTime
      ? ` --timestart ${printDayTime(match.dayTime.start)} --timestop ${printDayTime(match.dayTime.stop)}`
      : '') +
    (match.monthDays ? ` --monthdays ${match.monthDays.join(',')}` : '') +
    (match.weekDays ? ` --weekdays ${listWeekDays(match.weekDays)}` : '') +
    (match.start === undefined ? '' : ` --datestart ${printInstant(match.start)}`) +
    ` --datestop ${printInstant(match.stop)}` +
    (match.kernelTimeZone ? ' --kerneltz' : '') +
    (match.contiguous ? ' --contiguous' : ''),
  list: match =>
    ' TIME' +
    (match.dayTime
      ? ` from ${printDayTime(match.dayTime.start)} to ${printDayTime(match.dayTime.stop)}`
      : '') +
    (match.weekDays ? ` on ${listWeekDays(match.weekDays)}` : '') +
    (match.monthDays ? ` on ${match.monthDays.map(ordinal).join(',')}` : '') +
    (match.start === undefined ? '' : ` starting from ${listInstant(match.start)}`) +
    (match.stop === END ? '' : ` until date ${listInstant(match.stop)}`) +
    (match.kernelTimeZone ? '' : ' UTC') +
    (match.contiguous ? ' contiguous' : ''),
  evaluate: (match, packet) => holdsAt(match, known(packet.time, 'when it is looked at')),
})

const DAY = DAY_END + 1

/** net/netfilter/xt_time.c: with --contiguous the hours behind midnight belong to the day on which the time began. */
function holdsAt(match: TimeMatch, now: Instant): boolean {
  if (match.kernelTimeZone)
    throw new EvaluationError('the packet does not say what the time zone of the kernel is')
  if (now < (match.start ?? 0) || now > match.stop) return false
  const { start, stop } = match.dayTime ?? { start: 0, stop: DAY_END }
  const second = now % DAY
  const inside = start < stop ? second >= start && second <= stop : second >= start || second <= stop
  if (!inside) return false
  const date = new Date((match.contiguous && second <= stop ? now - DAY : now) * 1000)
  const weekDay = date.getUTCDay() || WEEK_DAYS.length
  return (match.weekDays?.includes(weekDay) ?? true) && (match.monthDays?.includes(date.getUTCDate()) ?? true)
}

const listWeekDays = (days: readonly number[]): string => days.map(day => WEEK_DAYS[day - 1]).join(',')

const SUFFIXES: readonly (string | undefined)[] = [undefined, 'st', 'nd', 'rd']

/** 11st, 12nd and 13rd too, as iptables has it. */
const ordinal = (day: number): string => `${day}${SUFFIXES[day % 10] ?? 'th'}`

const listInstant = (instant: Instant): string => printInstant(instant).replace('T', ' ')

/** The days given, or all but those; undefined for all. */
function chosen(given: Given<number[]> | undefined, last: number): readonly number[] | undefined {
  if (!given) return undefined
  const all = Array.from({ length: last }, (_, index) => index + 1)
  const kept = given.negated ? all.filter(day => !given.value.includes(day)) : given.value
  if (kept.length === 0) throw new RuleError('ERR_VALUE', 'no day is left', given)
  return kept.length === last ? undefined : kept
}
