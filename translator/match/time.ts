import type { TimeMatch } from 'iptables-parser'
import { domain } from '../field.ts'
import { type SetTest, type Step, setTest } from '../test.ts'
import { complement, type IntervalSet, inclusive, normalise, single } from '../tree/interval.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

const WEEK = 7

/** net/netfilter/xt_time.c */
export const time: MatchTranslator<TimeMatch> = match => {
  if (match.kernelTimeZone)
    throw new Untranslatable("the kernel's time zone can change after the rules are loaded", {
      hint: 'give the times in UTC, without --kerneltz',
    })
  return [
    setTest('clock', inclusive(match.start ?? 0, match.stop)),
    ...dayTimeSteps(match),
    ...daySteps(match),
  ]
}

function dayTimeSteps({ dayTime }: TimeMatch): Step[] {
  if (!dayTime) return []
  const { start, stop } = dayTime
  if (start < stop) return [setTest('day-second', inclusive(start, stop))]
  // over midnight: all but the time between, of which there may be none
  const between = inclusive(stop + 1, start - 1)
  return start > stop + 1 ? [setTest('day-second', complement(between, domain('day-second', 4)))] : []
}

function daySteps({ weekDays, monthDays, dayTime, contiguous }: TimeMatch): Step[] {
  const days = (field: SetTest['field'], values: readonly number[] | undefined): SetTest[] =>
    values ? [setTest(field, daySet(values))] : []
  const own = [...days('week-day', weekDays), ...days('month-day', monthDays)]
  if (!contiguous || !dayTime) return own
  // up to the end of the time it is the day before that counts
  const early = setTest('day-second', inclusive(0, dayTime.stop))
  const late = setTest('day-second', complement(early.set, domain('day-second', 4)))
  const before = [
    ...days(
      'week-day',
      weekDays?.map(day => (day % WEEK) + 1),
    ),
    ...days('month-day-before', monthDays),
  ]
  return [
    ...own.map((test): Step => ({ kind: 'any', tests: [early, test] })),
    ...before.map((test): Step => ({ kind: 'any', tests: [late, test] })),
  ]
}

const daySet = (days: readonly number[]): IntervalSet => normalise(days.flatMap(single))
