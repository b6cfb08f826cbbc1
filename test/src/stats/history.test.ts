import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import Database from 'better-sqlite3'
import { type Counters, noCounters } from 'iptables-parser'
import { writeGeneration } from '../../../src/service/generation.ts'
import { readSettings, type Settings } from '../../../src/service/settings.ts'
import { databasePath, hasBeginning, keepBeginning, writeBeginning } from '../../../src/stats/beginning.ts'
import { readDatabase, writeDatabase } from '../../../src/stats/database.ts'
import { addReading, type Reading, readRules } from '../../../src/stats/history.ts'
import type { RuleHits } from '../../../src/stats/hits.ts'
import { hitsSince, unusedSince } from '../../../src/stats/past.ts'
import { keyHits } from '../../../src/stats/record.ts'

const directory = mkdtempSync(join(tmpdir(), 'bpftables-history-'))
test.after.always(() => rmSync(directory, { recursive: true }))

let made = 0
const fresh = (): Settings => {
  made += 1
  return readSettings({ BPFTABLES_STATE_DIR: join(directory, `${made}`) })
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const start = Date.UTC(2026, 0, 1)

/** Rules of one chain, with the packets each counted. */
const rules = (packets: Readonly<Record<string, bigint>>): RuleHits[] =>
  Object.entries(packets).map(([name, count], index) => ({
    family: 4,
    table: 'filter',
    chain: 'INPUT',
    number: index + 1,
    rule: `-A INPUT -p ${name}`,
    packets: count,
    bytes: count,
  }))

const counters = (packets: Readonly<Record<string, bigint>>): ReadonlyMap<string, Counters> =>
  keyHits(rules(packets))

/** A reading so many milliseconds after the start. */
const read = (
  settings: Settings,
  after: number,
  packets: Readonly<Record<string, bigint>>,
  more: Partial<Reading> = {},
): void =>
  writeDatabase(settings, database =>
    addReading(database, { time: start + after, generation: 1, counters: counters(packets), ...more }),
  )

/** Packets since a time, by rule, of what counts now. */
const since = (settings: Settings, after: number, now: Readonly<Record<string, bigint>>) => {
  const { hits, ...rest } = hitsSince(settings, rules(now), start + after)
  return {
    ...rest,
    since: rest.since - start,
    packets: Object.fromEntries(
      hits.map(({ rule, packets }) => [rule.slice('-A INPUT -p '.length), packets]),
    ),
  }
}

test('hits are counted from the last reading at or before a time', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 5n, udp: 1n })
  read(settings, MINUTE, { tcp: 7n, udp: 1n })
  read(settings, 2 * MINUTE, { tcp: 7n, udp: 4n })
  const now = { tcp: 10n, udp: 4n }
  t.deepEqual(since(settings, 0, now), { packets: { tcp: 5n, udp: 3n }, since: 0, reachesBack: true })
  t.deepEqual(since(settings, 2 * MINUTE - 1, now), {
    packets: { tcp: 3n, udp: 3n },
    since: MINUTE,
    reachesBack: true,
  })
  t.deepEqual(since(settings, HOUR, now).packets, { tcp: 3n, udp: 0n })
})

test('a history that does not reach back far enough says so and counts from where it began', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 5n })
  t.deepEqual(since(settings, -1, { tcp: 6n }), { packets: { tcp: 1n }, since: 0, reachesBack: false })
})

test('a rule that came later counts from when it came', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 5n })
  read(settings, MINUTE, { tcp: 5n, udp: 3n })
  t.deepEqual(since(settings, 0, { tcp: 5n, udp: 4n, icmp: 2n }).packets, { tcp: 0n, udp: 4n, icmp: 2n })
})

test('a counter that went backwards was reset: what it counted before stays counted', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 100n })
  read(settings, MINUTE, { tcp: 130n })
  read(settings, 2 * MINUTE, { tcp: 7n })
  t.deepEqual(since(settings, 0, { tcp: 9n }).packets, { tcp: 39n })
  t.deepEqual(since(settings, MINUTE, { tcp: 2n }).packets, { tcp: 9n })
})

test('a counter that is known to begin anew may have overtaken its old self since', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 100n, udp: 2n })
  read(settings, MINUTE, { tcp: 130n, udp: 2n }, { next: counters({ tcp: 0n, udp: 2n }) })
  t.deepEqual(since(settings, 0, { tcp: 500n, udp: 3n }).packets, { tcp: 530n, udp: 1n })
})

test('counters that are restored are no hits', t => {
  const settings = fresh()
  read(settings, 0, {}, { next: counters({ tcp: 1000n }) })
  t.deepEqual(since(settings, 0, { tcp: 1001n }).packets, { tcp: 1n })
})

test('a rule that goes and comes again begins at zero', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 5n })
  read(settings, MINUTE, { tcp: 6n }, { next: new Map() })
  read(settings, 2 * MINUTE, { tcp: 8n })
  t.deepEqual(since(settings, 0, { tcp: 8n }).packets, { tcp: 9n })
  t.deepEqual(readDatabase(settings, readRules).get('4 filter -A INPUT -p tcp'), {
    last: { packets: 8n, bytes: 8n },
    total: { packets: 14n, bytes: 14n },
    inForce: true,
    changed: start + 2 * MINUTE,
    hit: true,
  })
})

test('counters have 64 bits and no sign', t => {
  const settings = fresh()
  const most = (1n << 64n) - 1n
  read(settings, 0, { tcp: 1n, udp: most - 1n })
  read(settings, MINUTE, { tcp: 1n << 63n, udp: most })
  t.deepEqual(since(settings, 0, { tcp: most, udp: most }).packets, { tcp: most - 1n, udp: 1n })
  const total = readDatabase(settings, readRules).get('4 filter -A INPUT -p udp')?.total
  t.deepEqual(total, { packets: most, bytes: most })
})

test('a rule is unused since its last hit was seen, or since it was first seen', t => {
  const settings = fresh()
  const names = (hits: readonly RuleHits[]): string[] =>
    hits.map(({ rule }) => rule.slice('-A INPUT -p '.length))
  read(settings, 0, { tcp: 5n, udp: 0n, icmp: 0n })
  read(settings, 2 * DAY, { tcp: 6n, udp: 0n, icmp: 0n, sctp: 0n })
  const now = rules({ tcp: 6n, udp: 0n, icmp: 1n, sctp: 0n, esp: 0n })
  const long = unusedSince(settings, now, start + DAY)
  t.deepEqual([names(long.unused), names(long.young)], [['udp'], ['sctp']])
  t.is(long.unused[0]?.since, start)
  const short = unusedSince(settings, now, start + 2 * DAY)
  t.deepEqual([names(short.unused), names(short.young)], [['tcp', 'udp', 'sctp'], []])
})

test('a rule that came back is unused since then, not since before', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 5n })
  read(settings, DAY, {})
  read(settings, 2 * DAY, { tcp: 0n })
  const { unused, young } = unusedSince(settings, rules({ tcp: 0n }), start + DAY)
  t.deepEqual([unused.length, young.map(({ since }) => since - start)], [0, [2 * DAY]])
})

const readingTimes = (settings: Settings): number[] =>
  readDatabase(settings, database =>
    database.prepare<[], number>('SELECT time FROM reading ORDER BY id').pluck().all(),
  ).map(time => time - start)

test('old readings are thinned out, and those that stay say what they said', t => {
  const settings = fresh()
  const said = new Map<number, unknown>()
  const last = 400 * DAY
  const times = [
    ...[0, 1, 2, 3].map(n => 2 * DAY + n * HOUR),
    ...[0, 1, 2, 3].map(n => 100 * DAY + n * HOUR),
    ...[0, 1, 2, 3].map(n => 380 * DAY + n * 20 * MINUTE),
    ...[0, 1, 2, 3].map(n => last - n * HOUR).reverse(),
  ]
  for (const [index, time] of times.entries()) {
    const now = { tcp: BigInt(index), udp: index < 6 ? 0n : 5n }
    read(settings, time, now)
    said.set(time, now)
  }
  t.deepEqual(readingTimes(settings), [
    2 * DAY + 3 * HOUR,
    100 * DAY + 3 * HOUR,
    380 * DAY + 40 * MINUTE,
    380 * DAY + 60 * MINUTE,
    ...[3, 2, 1, 0].map(n => last - n * HOUR),
  ])
  const zero = { tcp: 0n, udp: 0n }
  for (const time of readingTimes(settings)) {
    const now = { tcp: 1000n, udp: 1000n }
    const { packets } = since(settings, time, now)
    const then = Object.fromEntries(Object.entries(packets).map(([name, count]) => [name, 1000n - count]))
    t.deepEqual(then, said.get(time) ?? zero, `${time}`)
  }
})

test('a rule out of force is forgotten after a year, one in force never', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 1n, udp: 1n })
  read(settings, HOUR, { tcp: 1n })
  const known = (): string[] => [...readDatabase(settings, readRules).keys()].map(key => key.slice(21))
  read(settings, 300 * DAY, { tcp: 1n })
  t.deepEqual(known(), ['tcp', 'udp'])
  read(settings, 400 * DAY, { tcp: 1n })
  t.deepEqual(known(), ['tcp'])
  t.deepEqual(since(settings, 2 * HOUR, { tcp: 4n }).packets, { tcp: 3n })
})

test('the history stays small, however often it is read', t => {
  const settings = fresh()
  writeDatabase(settings, database => {
    for (let day = 0; day < 900; day += 1)
      for (const hour of [0, 6, 12, 18]) {
        const time = start + day * DAY + hour * HOUR
        const counted = BigInt(day * 24 + hour)
        addReading(database, { time, generation: 1, counters: counters({ tcp: counted, udp: counted }) })
      }
  })
  // a year of days, a month of four an each day, and one from before
  t.true(readingTimes(settings).length <= 366 + 31 * 4 + 2, `${readingTimes(settings).length}`)
  t.true(readingTimes(settings).length >= 366 + 31 * 3, `${readingTimes(settings).length}`)
})

test('only its owner reads the database, and nothing is left beside it', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 1n })
  t.is(statSync(databasePath(settings)).mode & 0o777, 0o600)
  t.deepEqual(readdirSync(settings.stateDirectory), ['statistics.db'])
})

test('a first reading waits until there is a second, and can be asked about meanwhile', t => {
  const settings = fresh()
  const next = keyHits(rules({ tcp: 2n, udp: 0n }))
  writeBeginning(settings, { time: start, generation: 1, counters: new Map(), next })
  t.deepEqual(since(settings, HOUR, { tcp: 5n, udp: 0n }).packets, { tcp: 3n, udp: 0n })
  t.deepEqual(readdirSync(settings.stateDirectory), ['statistics.beginning'])

  read(settings, DAY, { tcp: 7n, udp: 0n })
  t.false(hasBeginning(settings))
  t.deepEqual(since(settings, HOUR, { tcp: 9n, udp: 0n }).packets, { tcp: 7n, udp: 0n })
  t.deepEqual(readingTimes(settings), [0, DAY])
})

test('a generation in which all begins at zero is a first reading', t => {
  const settings = fresh()
  const chains = ':INPUT ACCEPT [7:7]\n:tcp - [0:0]\n:udp - [0:0]\n'
  const text = `*filter\n${chains}-A INPUT -j tcp\n-A INPUT -j udp\n-A INPUT -j udp\nCOMMIT\n`
  writeGeneration(settings, {
    number: 3,
    time: new Date(start).toISOString(),
    hook: 'netfilter',
    devices: [],
    namespace: 'net:[1]',
    rulesets: [{ family: 4, text, slots: [] }],
    counterArrays: [],
    lanes: [],
    conntrack: false,
  })
  keepBeginning(settings, 3)
  t.true(hasBeginning(settings))
  const known = readDatabase(settings, readRules)
  t.deepEqual(readingTimes(settings), [0])
  t.deepEqual(
    [...known.keys()],
    [
      '4 filter :INPUT',
      '4 filter -A INPUT -j tcp',
      '4 filter -A INPUT -j udp',
      '4 filter -A INPUT -j udp #2',
      '4 filter :FORWARD',
      '4 filter :OUTPUT',
    ],
  )
  for (const { last, total, inForce } of known.values())
    t.deepEqual({ last, total, inForce }, { last: noCounters, total: noCounters, inForce: true })
})

test('a first reading that is damaged is forgotten', t => {
  const settings = fresh()
  writeBeginning(settings, { time: start, generation: 1, counters: new Map(), next: new Map() })
  writeFileSync(join(settings.stateDirectory, 'statistics.beginning'), '{"time":')
  read(settings, DAY, { tcp: 7n })
  t.deepEqual(readingTimes(settings), [DAY])
})

test('what cannot be read is said, and left as it is', t => {
  const missing = fresh()
  t.throws(() => since(missing, 0, {}), {
    code: 'ERR_FILE',
    message: `there is no history yet in ${databasePath(missing)}`,
  })
  const damaged = fresh()
  read(damaged, 0, { tcp: 1n })
  writeFileSync(databasePath(damaged), 'not a database'.repeat(100))
  t.throws(() => read(damaged, 1, { tcp: 1n }), {
    code: 'ERR_STATE',
    message: `${databasePath(damaged)} is damaged: file is not a database`,
  })
  const newer = fresh()
  read(newer, 0, { tcp: 1n })
  const database = new Database(databasePath(newer))
  database.pragma('user_version = 9')
  database.close()
  for (const use of [() => read(newer, 1, { tcp: 1n }), () => since(newer, 0, {})])
    t.throws(use, {
      code: 'ERR_STATE',
      message: `${databasePath(newer)} has format 9; this program knows 1`,
    })
})

test('a reading that fails half way leaves no trace', t => {
  const settings = fresh()
  read(settings, 0, { tcp: 1n })
  t.throws(() =>
    writeDatabase(settings, database => {
      addReading(database, { time: start + MINUTE, generation: 2, counters: counters({ tcp: 5n }) })
      throw new Error('power cut')
    }),
  )
  t.deepEqual(readingTimes(settings), [0])
  t.deepEqual(since(settings, 0, { tcp: 5n }).packets, { tcp: 4n })
})
