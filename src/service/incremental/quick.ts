// Edits of the rules in force that come to nothing but updates of maps: no rule is parsed but those of the command, no program is loaded, no
// counter read but those of rules that end.
//
//     counters     of slots that nothing counts in
//     journal      the entry: from here on a reboot loads the new rules
//     maps         a packet is looked up by one key, so it meets the rules as they were or as they are now
//     mark
//
// A process killed before `mark` leaves an entry without one, and whoever comes next carries it out again.

import type { Command, Counters } from 'iptables-parser'
import { counterPlace } from '../../../translator/counter.ts'
import { counterMap } from '../../../translator/emit/count.ts'
import { readCounter } from '../../kernel/counter.ts'
import { writeCounters } from '../../kernel/counter-write.ts'
import { closeMap, type MapHandle, openPinnedMap } from '../../kernel/map.ts'
import { SystemError } from '../../kernel/sys/error.ts'
import { devicesFor } from '../lanes.ts'
import { currentNamespace, readGenerationWord } from '../live.ts'
import { mapPin } from '../pins.ts'
import type { Settings } from '../settings.ts'
import { type EditIndex, readIndex } from './index-file.ts'
import { addEntry, type Ended, type JournalEntry, markEntry, readJournal } from './journal.ts'
import { type EditPlan, type PlacedStep, planEdit } from './plan.ts'
import { linePrefix, stepsOf } from './request.ts'
import { type EditState, readWritten, stateOf, type Written } from './state.ts'
import { type BlockMaps, withBlockMaps, writeAll } from './writes.ts'

export const quickSteps = ['counters', 'journal', 'maps', 'mark'] as const
export type QuickStep = (typeof quickSteps)[number]

export interface QuickOptions {
  /** Called before each step; what it throws stops the edit there. */
  readonly before?: (step: QuickStep) => void
}

/** So many edits lie in a journal before a new generation takes them up: each is carried out again whenever it is opened. */
export const MOST_ENTRIES = 1000

/** Makes the edits of commands, all of them, if they come to updates of maps; false where they take a new generation. The caller holds the lock. */
export function editQuickly(
  settings: Settings,
  commands: readonly Command[],
  options: QuickOptions = {},
  written = writtenInForce(settings),
): boolean {
  const steps = placedSteps(commands)
  const state = steps && written && stateOf(written)
  if (!state || !isAsSet(settings, state.index) || state.journal.entries.length >= MOST_ENTRIES) return false
  return withBlockMaps(state.index, maps => {
    const plan = orUndefined(() => planEdit(state, maps, steps))
    return plan ? carryOut(settings, state, maps, plan, options) : false
  })
}

/** What is in force, once what a process died over is carried out; undefined where it was written down without an index. */
export function writtenInForce(settings: Settings): Written | undefined {
  const generation = readGenerationWord(settings)
  if (generation === undefined) return undefined
  finishEdits(settings, generation)
  return readWritten(settings, generation)
}

/** Undefined where a command does something else than to put single rules in or take them out. */
export function placedSteps(commands: readonly Command[]): readonly PlacedStep[] | undefined {
  const all: PlacedStep[] = []
  for (const command of commands) {
    const steps = 'refused' in command ? undefined : stepsOf(command)
    if (!steps || !('chain' in command) || command.chain === undefined) return undefined
    const { family, table, chain } = command
    for (const step of steps) all.push({ place: { family, table, chain }, step })
  }
  return all.length > 0 ? all : undefined
}

/** Nothing but the rules would change: not the hook, nor the devices. */
export function isAsSet(settings: Settings, { hook, devices, namespace }: EditIndex): boolean {
  if (namespace !== currentNamespace()) return false
  if (settings.hook !== 'auto' && settings.hook !== hook) return false
  return hook === 'netfilter' || devicesFor(settings).join() === devices.join()
}

function carryOut(
  settings: Settings,
  { index, journal }: EditState,
  maps: BlockMaps,
  { edits, writes, fresh }: EditPlan,
  { before = () => {} }: QuickOptions,
): boolean {
  before('counters')
  for (const [slot, counters] of fresh) setCounter(settings, index, slot, counters)
  before('journal')
  const time = Math.max(Date.now(), (journal.entries.at(-1)?.time ?? 0) + 1)
  const entry = { time, edits, writes }
  addEntry(settings, index.generation, journal, entry)
  return writeMaps(settings, index, maps, entry, before)
}

/** Writes the maps of the last entry of the journal, and says so there; false where a map does not take it, and all is as it was. */
function writeMaps(
  settings: Settings,
  index: EditIndex,
  maps: BlockMaps,
  entry: JournalEntry,
  before: (step: QuickStep) => void,
  size?: number,
): boolean {
  before('maps')
  const written = orUndefined(() => {
    writeAll(maps, entry.writes)
    return true
  })
  before('mark')
  const mark = written ? { done: endedBy(settings, index, entry) } : ({ void: true } as const)
  markEntry(settings, index.generation, mark, size)
  return written === true
}

/** Carries out what a process died over. The caller holds the lock. */
export function finishEdits(settings: Settings, generation: number): void {
  const { pending, entries, size } = readJournal(settings, generation)
  const entry = pending ? entries.at(-1) : undefined
  const index = entry && readIndex(settings, generation)
  if (!index) return
  withBlockMaps(index, maps => writeMaps(settings, index, maps, entry, () => {}, size))
}

/** What the kernel refuses here, such as a key more than a map holds, may still be done otherwise. */
function orUndefined<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}

export const endedBy = (settings: Settings, index: EditIndex, { edits }: JournalEntry): Ended[] =>
  edits
    .filter(({ kind }) => kind === 'delete')
    .map(({ family, table, chain, rule, slot }) => {
      const { packets, bytes } = withCounter(settings, index, slot, readCounter)
      const key = `${family} ${table} ${linePrefix(chain, family)}${rule}`
      return { key, packets: `${packets}`, bytes: `${bytes}` }
    })

const setCounter = (settings: Settings, index: EditIndex, slot: number, counters: Counters): void =>
  withCounter(settings, index, slot, (map, at) => writeCounters(map, [[at, counters]]))

function withCounter<T>(
  settings: Settings,
  { arrays }: EditIndex,
  slot: number,
  use: (map: MapHandle, at: number) => T,
): T {
  const { array, index } = counterPlace({ arrays }, slot)
  const map = openPinnedMap(counterMap(array), mapPin(settings, array.name))
  if (!map) throw new RangeError(`the counters ${array.name} are missing`)
  try {
    return use(map, index)
  } finally {
    closeMap(map)
  }
}
