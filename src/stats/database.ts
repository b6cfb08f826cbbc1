// The statistics database: one file in the state directory, opened for as long as one use takes.
//
//     rule      what counts, by its counter key; its counter as it was left, from which the next reading goes on; is it in force?
//     reading   a look at the counters of all rules in force: when, and which generation is in force from then on
//     sample    what a rule has counted in all by a reading; written down only where that changed, or the rule came into force
//
// Counters have 64 bits without a sign and stand here as SQLite's integers of the same bits.

import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ServiceError, systemReason } from '../service/error.ts'
import type { Settings } from '../service/settings.ts'
import { databasePath, readBeginning, removeBeginning } from './beginning.ts'
import { addReading, type Reading } from './history.ts'

export type StatisticsDatabase = Database.Database

/** Raised when a table or column changes its meaning; kept in user_version. */
const FORMAT = 1

const schema = `
  CREATE TABLE rule (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    in_force INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    generation INTEGER
  ) STRICT;
  CREATE TABLE sample (
    rule INTEGER NOT NULL REFERENCES rule ON DELETE CASCADE,
    reading INTEGER NOT NULL REFERENCES reading,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, reading)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sample_reading ON sample (reading);
  PRAGMA user_version = ${FORMAT};
`

/** How long to wait for another process that uses the database, in milliseconds; writers have the lock of the rules anyway. */
const TIMEOUT = 2000

/** Opens the database to write, in one transaction; makes it where there is none. Throws ServiceError('ERR_FILE' | 'ERR_STATE'). */
export function writeDatabase<T>(settings: Settings, use: (database: StatisticsDatabase) => T): T {
  const written = withDatabase(databasePath(settings), openToWrite, database =>
    database
      .transaction(() => {
        if (formatOf(database) === 0) begin(database, readBeginning(settings))
        return use(database)
      })
      .immediate(),
  )
  removeBeginning(settings)
  return written
}

function begin(database: StatisticsDatabase, beginning: Reading | undefined): void {
  database.exec(schema)
  if (beginning) addReading(database, beginning)
}

/** Opens the database to read one state of it; also where the directory is read-only. Throws ServiceError('ERR_FILE' | 'ERR_STATE'). */
export function readDatabase<T>(settings: Settings, use: (database: StatisticsDatabase) => T): T {
  const path = databasePath(settings)
  if (!existsSync(path)) return withDatabase(path, () => openBeginning(settings), use)
  return withDatabase(path, openToRead, database => {
    if (formatOf(database) === 0) throw noHistory(path)
    return database.transaction(() => use(database))()
  })
}

/** Where nothing but the beginning could be written by now. */
function openBeginning(settings: Settings): StatisticsDatabase {
  const beginning = readBeginning(settings)
  if (!beginning) throw noHistory(databasePath(settings))
  const database = new Database(':memory:')
  begin(database, beginning)
  return database
}

const noHistory = (path: string): ServiceError =>
  new ServiceError(
    'ERR_FILE',
    `there is no history yet in ${path}`,
    '"bpftables stats" and every change of the rules add to it.',
  )

function withDatabase<T>(
  path: string,
  open: (path: string) => StatisticsDatabase,
  use: (database: StatisticsDatabase) => T,
): T {
  try {
    const database = open(path)
    try {
      requireFormat(path, database)
      return use(database)
    } finally {
      database.close()
    }
  } catch (error) {
    throw error instanceof ServiceError ? error : databaseError(path, error)
  }
}

function openToWrite(path: string): StatisticsDatabase {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  // SQLite gives its log the permissions of the file
  closeSync(openSync(path, 'a', 0o600))
  const database = new Database(path, { timeout: TIMEOUT })
  database.pragma('journal_mode = WAL')
  // history may lose its last moments in a power cut, but not its consistency
  database.pragma('synchronous = NORMAL')
  return database
}

function openToRead(path: string): StatisticsDatabase {
  const database = new Database(path, { timeout: TIMEOUT })
  try {
    formatOf(database)
    return database
  } catch (error) {
    database.close()
    if (!isReadOnly(error)) throw error
    return openCopy(path)
  }
}

/**
 * A database with a write-ahead log cannot be opened where its log cannot be made. Nobody writes there either, so a copy in memory
 * is as good; bytes 18 and 19 of its header say that it has no log (sqlite.org/fileformat2.html, 1.3.3).
 */
const openCopy = (path: string): StatisticsDatabase => new Database(readFileSync(path).fill(1, 18, 20))

const formatOf = (database: StatisticsDatabase): unknown => database.pragma('user_version', { simple: true })

function requireFormat(path: string, database: StatisticsDatabase): void {
  const format = formatOf(database)
  if (format === FORMAT || format === 0) return
  throw new ServiceError('ERR_STATE', `${path} has format ${format}; this program knows ${FORMAT}`, freshHint)
}

const freshHint = 'Move it away, and a new history begins.'

const sqliteCode = (error: unknown): string => (error instanceof Database.SqliteError ? error.code : '')

const isReadOnly = (error: unknown): boolean => /^SQLITE_(CANTOPEN|READONLY)/.test(sqliteCode(error))

function databaseError(path: string, error: unknown): unknown {
  const code = sqliteCode(error)
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return new ServiceError('ERR_STATE', `${path} is damaged: ${systemReason(error)}`, freshHint, error)
  if (code !== '' || isSystemError(error))
    return new ServiceError('ERR_FILE', `cannot use ${path}: ${systemReason(error)}`, undefined, error)
  if (/^Could not locate the bindings file|\.node\b/.test(systemReason(error))) return unbuilt(error)
  return error
}

const unbuilt = (error: unknown): ServiceError =>
  new ServiceError(
    'ERR_FILE',
    'better-sqlite3, which keeps the history, is not built for this Node.js',
    'Run "npm rebuild better-sqlite3" where bpftables is installed.',
    error,
  )

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error
