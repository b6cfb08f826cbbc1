// Edits of a generation that were made while its programs run: a file beside it, one entry a line, only ever added to.
//
//     {"time":…,"edits":[…],"writes":[…]}     on disk before the first map is written to
//     {"done":…}                              all maps are written
//     {"void":true}                           a map would not take it, and all are as they were
//
// An entry without a mark is that of a process that died over it: whoever comes next writes its maps again, which does no harm.

import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Counters, Family, TableName } from 'iptables-parser'
import { readIfThere, removeIfThere, syncDirectory, writeDurably } from '../durable-file.ts'
import { ServiceError, systemReason } from '../error.ts'
import type { Settings } from '../settings.ts'
import type { OutcomeKind } from './holder.ts'

/** What an edit puts into a block of a lane's program, or takes out of it; both by their indices. */
export interface PlacedEdit {
  readonly lane: number
  readonly block: number
  /** In hexadecimal digits. */
  readonly key: string
  readonly kind: OutcomeKind
  /** The one rule that had the key so far (holder.ts). */
  readonly beside?: number
}

/** One rule put into a chain or taken out. To replace it is both, in the other order. */
export interface JournalEdit {
  readonly kind: 'insert' | 'delete'
  readonly family: Family
  readonly table: TableName
  readonly chain: string
  readonly number: number
  /** As iptables-save prints it, without `-A CHAIN`. */
  readonly rule: string
  readonly slot: number
  readonly placed: readonly PlacedEdit[]
}

/** A key and its value in a lane's map, in hexadecimal digits; null: the key is not there. */
export interface MapWrite {
  readonly lane: number
  readonly map: string
  readonly key: string
  readonly value: string | null
  readonly before: string | null
}

export interface JournalEntry {
  /** Milliseconds since 1970; later than all entries before. */
  readonly time: number
  readonly edits: readonly JournalEdit[]
  readonly writes: readonly MapWrite[]
}

/** What a rule had counted when it was taken out, in decimal digits, by its counter key. */
export interface Ended {
  readonly key: string
  readonly packets: string
  readonly bytes: string
}

type Mark = { readonly done: readonly Ended[] } | { readonly void: true }

export interface Journal {
  /** In order; without those that came to nothing. */
  readonly entries: readonly JournalEntry[]
  /** Rules that were taken out, when, and what they had counted. */
  readonly ended: readonly (Counters & { readonly key: string; readonly time: number })[]
  /** The last entry has no mark. */
  readonly pending: boolean
  /** Bytes of whole lines. */
  readonly size: number
}

const emptyJournal: Journal = { entries: [], ended: [], pending: false, size: 0 }

const pathOf = ({ stateDirectory }: Settings, generation: number): string =>
  join(stateDirectory, 'generations', `${generation}.edits`)

/** Reads the edits of a generation. Throws ServiceError('ERR_FILE' | 'ERR_STATE'). */
export function readJournal(settings: Settings, generation: number): Journal {
  const path = pathOf(settings, generation)
  const text = readIfThere(path)
  if (text === undefined) return emptyJournal
  // a line without an end was never answered for
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  try {
    return journalOf(whole)
  } catch (error) {
    throw new ServiceError('ERR_STATE', `${path} is damaged`, undefined, error)
  }
}

function journalOf(text: string): Journal {
  const entries: JournalEntry[] = []
  const ended: Journal['ended'][number][] = []
  let pending = false
  for (const line of text.split('\n')) {
    if (line === '') continue
    const read = JSON.parse(line) as JournalEntry | Mark
    if ('edits' in read) entries.push(read)
    else if ('void' in read) entries.pop()
    else
      for (const { key, packets, bytes } of read.done)
        ended.push({ key, time: entries.at(-1)?.time ?? 0, packets: BigInt(packets), bytes: BigInt(bytes) })
    pending = 'edits' in read
  }
  return { entries, ended, pending, size: Buffer.byteLength(text) }
}

/** Adds an entry so that it is there after a power cut. */
export function addEntry(
  settings: Settings,
  generation: number,
  journal: Journal,
  entry: JournalEntry,
): void {
  append(settings, generation, fd => {
    ftruncateSync(fd, journal.size)
    writeSync(fd, `${JSON.stringify(entry)}\n`)
    fdatasyncSync(fd)
  })
  if (journal.size === 0) syncDirectory(join(settings.stateDirectory, 'generations'))
}

/**
 * Says what became of the last entry; `size` is where what is whole of the journal ends. Only a process can die between the two: after
 * a power cut no map holds anything.
 */
export const markEntry = (settings: Settings, generation: number, mark: Mark, size?: number): void =>
  append(settings, generation, fd => {
    if (size !== undefined) ftruncateSync(fd, size)
    writeSync(fd, `${JSON.stringify(mark)}\n`)
  })

/** Gives a generation the journal of another with an entry more, so that it is there after a power cut. */
export function copyJournal(
  settings: Settings,
  from: { readonly generation: number; readonly journal: Journal },
  to: number,
  entry: JournalEntry,
): void {
  const text = readIfThere(pathOf(settings, from.generation)) ?? ''
  const whole = Buffer.from(text).toString('utf8', 0, from.journal.size)
  writeDurably(pathOf(settings, to), `${whole}${JSON.stringify(entry)}\n`)
}

function append(settings: Settings, generation: number, write: (fd: number) => void): void {
  const path = pathOf(settings, generation)
  try {
    const fd = openSync(path, 'a', 0o600)
    try {
      write(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw new ServiceError('ERR_FILE', `cannot write ${path}: ${systemReason(error)}`, undefined, error)
  }
}

export const removeJournal = (settings: Settings, generation: number): void =>
  removeIfThere(pathOf(settings, generation))
