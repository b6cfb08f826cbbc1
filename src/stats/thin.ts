// How much history is kept: every reading of the last day, one an hour of the last month, one a day of the last year, and one from
// before, to count from. What a reading that is left out had seen is then seen by the next one that stays.

import type { StatisticsDatabase } from './database.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MONTH = 31 * DAY
const YEAR = 366 * DAY

/** The last reading of each hour, day, or of all the time before stands for the others. */
const superseded = `
  SELECT id, stays FROM (
    SELECT id, max(id) OVER (PARTITION BY CASE
      WHEN time > @now - ${MONTH} THEN time / ${HOUR}
      WHEN time > @now - ${YEAR} THEN -(time / ${DAY})
      ELSE 0 END) AS stays
    FROM reading WHERE time <= @now - ${DAY}
  ) WHERE id <> stays ORDER BY id DESC`

/** Leaves out what is not to be kept at a time, in milliseconds since 1970; and rules out of force of which nothing was seen for a year. */
export function thinOut(database: StatisticsDatabase, now: number): void {
  mergeReadings(database, now)
  forgetRules(database, now - YEAR)
}

function mergeReadings(database: StatisticsDatabase, now: number): void {
  const readings = database
    .prepare<[{ now: number }], { readonly id: number; readonly stays: number }>(superseded)
    .all({ now })
  const move = database.prepare('UPDATE OR IGNORE sample SET reading = ? WHERE reading = ?')
  const dropSamples = database.prepare('DELETE FROM sample WHERE reading = ?')
  const dropReading = database.prepare('DELETE FROM reading WHERE id = ?')
  // the latest first: of several samples of a rule the latest is the one to keep
  for (const { id, stays } of readings) {
    move.run(stays, id)
    dropSamples.run(id)
    dropReading.run(id)
  }
}

function forgetRules(database: StatisticsDatabase, before: number): void {
  database
    .prepare(
      `DELETE FROM rule WHERE in_force = 0 AND NOT EXISTS (
         SELECT 1 FROM sample JOIN reading ON reading.id = sample.reading
         WHERE sample.rule = rule.id AND reading.time > ?)`,
    )
    .run(before)
}
