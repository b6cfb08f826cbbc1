// What rules counted, over time: written reading by reading, and asked for again. A sample is a total, not a counter: a counter that
// was reset adds what it has counted since. So totals never go backwards, their differences are hits, and samples can be thinned
// out without changing those that stay.

import { type Counters, noCounters } from 'iptables-parser'
import { advance, equal, sum } from './advance.ts'
import type { StatisticsDatabase } from './database.ts'
import { thinOut } from './thin.ts'

/** Counters by counter key (translator/counter.ts). */
export type KeyedCounters = ReadonlyMap<string, Counters>

/** A look at the counters of all rules in force. */
export interface Reading {
  /** Milliseconds since 1970. */
  readonly time: number
  /** In force from here on; undefined: nothing is. */
  readonly generation: number | undefined
  readonly counters: KeyedCounters
  /** All that counts from here on, and the counters it goes on from. Left out: all that was read goes on. */
  readonly next?: KeyedCounters
}

/** What is known of something that counts, or did. */
export interface RuleHistory {
  /** The counter it goes on from. */
  readonly last: Counters
  /** All it ever counted, of what was read. */
  readonly total: Counters
  readonly inForce: boolean
  /** When its total last changed or it came into force, whichever was later, in milliseconds since 1970: the time of a reading. */
  readonly changed: number
  /** It is known to have been hit then; else it was only met. */
  readonly hit: boolean
}

export interface PastReading {
  readonly id: number
  readonly time: number
}

/** Adds a reading, and thins out old ones. The caller holds the lock of the rules, so that readings are written in the order they are taken. */
export function addReading(database: StatisticsDatabase, reading: Reading): void {
  const { time, generation = null, counters, next = counters } = reading
  const known = readStates(database)
  const id = database.prepare('INSERT INTO reading (time, generation) VALUES (?, ?)').run(time, generation)
  const write = writersOf(database, id.lastInsertRowid)
  const total = totalsOf(database)
  for (const key of new Set([...known.keys(), ...counters.keys(), ...next.keys()])) {
    const before = known.get(key)
    const after: RuleState = { last: next.get(key) ?? noCounters, inForce: next.has(key) }
    const hits = hitsOf(before, counters.get(key))
    const begins = !before || (after.inForce && !before.inForce)
    if (!before || stateDiffers(before, after)) write.rule(key, after)
    if (begins || !equal(hits, noCounters)) write.sample(key, sum(before ? total(key) : noCounters, hits))
  }
  thinOut(database, time)
}

/** What a rule has counted since it was read last. */
const hitsOf = (before: RuleState | undefined, counted: Counters | undefined): Counters =>
  counted ? advance(before?.last ?? noCounters, counted) : noCounters

/** What a rule had counted when it was taken out, while no reading was taken. */
export interface EndedRule extends Counters {
  /** Its counter key. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly time: number
}

/** Adds what rules counted to their end since the last reading, in order of time; what was added before is left out. */
export function addEnded(
  database: StatisticsDatabase,
  generation: number,
  ended: readonly EndedRule[],
): void {
  const latest = database.prepare<[], number | null>('SELECT max(time) FROM reading').pluck().get() ?? 0
  const since = ended.filter(({ time }) => time > latest)
  const known = new Map(since.length > 0 ? readStates(database) : [])
  const total = totalsOf(database)
  for (const { key, time, packets, bytes } of since) {
    const before = known.get(key)
    const hits = hitsOf(before, { packets, bytes })
    const id = database.prepare('INSERT INTO reading (time, generation) VALUES (?, ?)').run(time, generation)
    const write = writersOf(database, id.lastInsertRowid)
    const after = { last: noCounters, inForce: false }
    write.rule(key, after)
    write.sample(key, sum(before ? total(key) : noCounters, hits))
    known.set(key, after)
  }
}

type RuleState = Pick<RuleHistory, 'last' | 'inForce'>

const stateDiffers = (a: RuleState, b: RuleState): boolean =>
  a.inForce !== b.inForce || !equal(a.last, b.last)

const signed = (value: bigint): bigint => BigInt.asIntN(64, value)
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value)
const countersOf = ({ packets, bytes }: Counters): Counters => ({
  packets: unsigned(packets),
  bytes: unsigned(bytes),
})

function writersOf(database: StatisticsDatabase, reading: number | bigint) {
  const rule = database.prepare(
    `INSERT INTO rule (key, packets, bytes, in_force) VALUES (?, ?, ?, ?) ON CONFLICT (key)
     DO UPDATE SET packets = excluded.packets, bytes = excluded.bytes, in_force = excluded.in_force`,
  )
  const sample = database.prepare(
    'INSERT INTO sample (rule, reading, packets, bytes) VALUES ((SELECT id FROM rule WHERE key = ?), ?, ?, ?)',
  )
  return {
    rule: (key: string, { last, inForce }: RuleState) =>
      rule.run(key, signed(last.packets), signed(last.bytes), inForce ? 1 : 0),
    sample: (key: string, { packets, bytes }: Counters) =>
      sample.run(key, reading, signed(packets), signed(bytes)),
  }
}

/** What is known of each rule without a look at its samples, by key. */
function readStates(database: StatisticsDatabase): ReadonlyMap<string, RuleState> {
  const rows = database
    .prepare<[], Counters & { readonly key: string; readonly inForce: bigint }>(
      'SELECT key, packets, bytes, in_force AS inForce FROM rule',
    )
    .safeIntegers()
    .all()
  return new Map(rows.map(row => [row.key, { last: countersOf(row), inForce: row.inForce === 1n }]))
}

/** The latest total of a rule that is known, by its key. */
function totalsOf(database: StatisticsDatabase): (key: string) => Counters {
  const latest = database
    .prepare<[string], Counters>(
      `SELECT packets, bytes FROM sample WHERE rule = (SELECT id FROM rule WHERE key = ?)
       ORDER BY reading DESC LIMIT 1`,
    )
    .safeIntegers()
  return key => countersOf(latest.get(key) ?? noCounters)
}

interface RuleRow {
  readonly key: string
  readonly packets: bigint
  readonly bytes: bigint
  readonly inForce: bigint
  readonly totalPackets: bigint
  readonly totalBytes: bigint
  readonly previousPackets: bigint | null
  readonly time: bigint
}

/** All that counts or ever did, by key. */
export function readRules(database: StatisticsDatabase): ReadonlyMap<string, RuleHistory> {
  const rows = database
    .prepare<[], RuleRow>(
      `SELECT key, rule.packets, rule.bytes, in_force AS inForce, time,
         latest.packets AS totalPackets, latest.bytes AS totalBytes,
         (SELECT packets FROM sample WHERE rule = rule.id AND reading < latest.reading ORDER BY reading DESC LIMIT 1)
           AS previousPackets
       FROM rule
       JOIN sample AS latest ON latest.rule = rule.id
         AND latest.reading = (SELECT max(reading) FROM sample WHERE rule = rule.id)
       JOIN reading ON reading.id = latest.reading`,
    )
    .safeIntegers()
    .all()
  return new Map(rows.map(row => [row.key, historyOf(row)]))
}

const historyOf = (row: RuleRow): RuleHistory => ({
  last: countersOf(row),
  total: countersOf({ packets: row.totalPackets, bytes: row.totalBytes }),
  inForce: row.inForce === 1n,
  changed: Number(row.time),
  hit: row.previousPackets !== null && row.previousPackets !== row.totalPackets,
})

/** The last reading at or before a time; undefined where the history does not reach back that far. */
export const readingAt = (database: StatisticsDatabase, time: number): PastReading | undefined =>
  database
    .prepare<[number], PastReading>('SELECT id, time FROM reading WHERE time <= ? ORDER BY id DESC LIMIT 1')
    .get(time)

/** The first reading there is: a database is made with one. */
export function firstReading(database: StatisticsDatabase): PastReading {
  const reading = database.prepare<[], PastReading>('SELECT id, time FROM reading ORDER BY id LIMIT 1').get()
  if (!reading) throw new RangeError('the statistics database holds no reading')
  return reading
}

/** What each rule had counted in all by a reading; rules that were met later are left out. */
export function totalsAt(database: StatisticsDatabase, { id }: PastReading): KeyedCounters {
  const rows = database
    .prepare<[number], Counters & { readonly key: string }>(
      `SELECT key, sample.packets, sample.bytes FROM rule
       JOIN sample ON sample.rule = rule.id
         AND reading = (SELECT max(reading) FROM sample WHERE rule = rule.id AND reading <= ?)`,
    )
    .safeIntegers()
    .all(id)
  return new Map(rows.map(row => [row.key, countersOf(row)]))
}
