import test from 'ava'
import { parseDuration, parseTime, printTime } from '../../../src/stats/time.ts'

const MINUTE = 60_000
const now = new Date(2026, 2, 1, 12, 30).getTime()
const boot = now - 7 * MINUTE
const clock = { now, boot }

test('durations have units, and may have several', t => {
  t.is(parseDuration('90s'), 90_000)
  t.is(parseDuration('1h30m'), 90 * MINUTE)
  t.is(parseDuration('2w'), 14 * 24 * 60 * MINUTE)
  for (const text of ['', '5', 'm', '1.5h', '-1d', '3 d', '0s', '1y'])
    t.throws(() => parseDuration(text), { code: 'ERR_SETTING' }, text)
})

const times: Readonly<Record<string, number>> = {
  boot,
  '10m': now - 10 * MINUTE,
  '2h ago': now - 120 * MINUTE,
  today: new Date(2026, 2, 1).getTime(),
  yesterday: new Date(2026, 1, 28).getTime(),
  '2026-02-28': new Date(2026, 1, 28).getTime(),
  '2026-02-28 11:05': new Date(2026, 1, 28, 11, 5).getTime(),
  '2026-02-28T11:05:06': new Date(2026, 1, 28, 11, 5, 6).getTime(),
  '2026-02-28T11:05:06.250Z': Date.UTC(2026, 1, 28, 11, 5, 6, 250),
  '2026-02-28T11:05+02:00': Date.UTC(2026, 1, 28, 9, 5),
  '2026-02-28T11:05-0130': Date.UTC(2026, 1, 28, 12, 35),
  '2026-02-28T11:05+02': Date.UTC(2026, 1, 28, 9, 5),
}

for (const [text, time] of Object.entries(times))
  test(`a time: ${text}`, t => t.is(parseTime(text, clock), time))

test('what is no time, or none that was, is said', t => {
  for (const text of [
    '',
    'tomorrow',
    '2026',
    '2026-02-30',
    '2026-13-01',
    '2026-02-01T25:00',
    '2026-02-01Z',
    '10',
  ])
    t.throws(() => parseTime(text, clock), { code: 'ERR_SETTING', message: `"${text}" is not a time` })
  t.throws(() => parseTime('2026-03-01T12:31', clock), { message: '2026-03-01T12:31 is yet to come' })
})

test('a time is read as it is printed', t => t.is(parseTime(printTime(boot), clock), boot))
