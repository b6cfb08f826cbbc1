import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  addEntry,
  type JournalEntry,
  markEntry,
  readJournal,
  removeJournal,
} from '../../../../src/service/incremental/journal.ts'
import { readSettings } from '../../../../src/service/settings.ts'

const entry = (time: number): JournalEntry => ({ time, edits: [], writes: [] })

function withState(body: (settings: ReturnType<typeof readSettings>, path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-journal-'))
  try {
    mkdirSync(join(directory, 'generations'))
    body(readSettings({ BPFTABLES_STATE_DIR: directory }), join(directory, 'generations', '7.edits'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('entries are read back in order, with what ended; those that came to nothing are not', t =>
  withState(settings => {
    t.deepEqual(readJournal(settings, 7).entries, [])
    const times = (): number[] => readJournal(settings, 7).entries.map(({ time }) => time)
    addEntry(settings, 7, readJournal(settings, 7), entry(1))
    t.true(readJournal(settings, 7).pending)
    markEntry(settings, 7, { done: [{ key: 'rule', packets: '18446744073709551615', bytes: '2' }] })
    t.false(readJournal(settings, 7).pending)
    addEntry(settings, 7, readJournal(settings, 7), entry(2))
    markEntry(settings, 7, { void: true })
    addEntry(settings, 7, readJournal(settings, 7), entry(3))
    t.deepEqual(times(), [1, 3])
    t.deepEqual(readJournal(settings, 7).ended, [
      { key: 'rule', time: 1, packets: 2n ** 64n - 1n, bytes: 2n },
    ])
    t.deepEqual(readJournal(settings, 8).entries, [])
    removeJournal(settings, 7)
    t.deepEqual(times(), [])
  }))

test('a line without an end was never answered for, and the next entry takes its place', t =>
  withState((settings, path) => {
    addEntry(settings, 7, readJournal(settings, 7), entry(1))
    markEntry(settings, 7, { done: [] })
    const whole = readFileSync(path, 'utf8')
    appendFileSync(path, '{"time":2,"ed')
    t.deepEqual(readJournal(settings, 7).entries, [entry(1)])
    addEntry(settings, 7, readJournal(settings, 7), entry(3))
    t.is(readFileSync(path, 'utf8'), `${whole}${JSON.stringify(entry(3))}\n`)
    appendFileSync(path, '{"do')
    markEntry(settings, 7, { void: true }, readJournal(settings, 7).size)
    t.deepEqual(readJournal(settings, 7).entries, [entry(1)])
  }))

test('a damaged journal is told, with its file', t =>
  withState((settings, path) => {
    appendFileSync(path, 'nothing\n')
    t.throws(() => readJournal(settings, 7), { code: 'ERR_STATE', message: `${path} is damaged` })
  }))
