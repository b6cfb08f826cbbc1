// Adding to the history of rule hits, where the counters are read anyway or would be lost. The history is a convenience: where it cannot
// be written, standard error says so, and what was asked for is done. SQLite is loaded only here, and only when there is
// something to write.

import { existsSync } from 'node:fs'
import type { Counters } from 'iptables-parser'
import { counterKeys, rulesetKeys } from '../../translator/counter.ts'
import { ServiceError } from '../service/error.ts'
import { readJournal } from '../service/incremental/journal.ts'
import { type Live, readGenerationWord } from '../service/live.ts'
import { withLock } from '../service/lock.ts'
import type { Plan } from '../service/plan.ts'
import type { Settings } from '../service/settings.ts'
import { databasePath, hasBeginning, keepBeginning, writeBeginning } from './beginning.ts'
import { beginsAtZero, keepsHistory, nextCounters, slotsOf } from './change.ts'
import type { KeyedCounters, Reading } from './history.ts'
import { type RuleHits, readHits, readRulesetCounters } from './hits.ts'

/** Hits by counter key. */
export function keyHits(hits: readonly RuleHits[]): KeyedCounters {
  const keys = counterKeys(hits)
  return new Map(hits.map(({ packets, bytes }, index) => [keys[index] ?? '', { packets, bytes }]))
}

/** Reads what the rules in force have counted, and records it unless somebody is changing them, who will. */
export async function readAndRecord(settings: Settings, live: Live): Promise<readonly RuleHits[]> {
  let hits: readonly RuleHits[] | undefined
  await attempt(() =>
    withLock(settings, 0, async () => {
      if (!isInForce(settings, live)) return
      hits = readHits(settings, live)
      await write(settings, live, { generation: live.generation.number, counters: keyHits(hits) })
    }),
  )
  return hits ?? readHits(settings, live)
}

/** Nobody has changed the rules since they were read. */
const isInForce = (settings: Settings, { generation: { number }, edits }: Live): boolean =>
  readGenerationWord(settings) === number && readJournal(settings, number).entries.length === edits

/**
 * Records what the rules of the generation before counted to their end, right after the one planned took their place: no slot is
 * used again before the swap after this. Does nothing, and loads nothing, where every counter goes on. The caller holds the lock.
 */
export async function recordChange(
  settings: Settings,
  before: Live | undefined,
  plan: Plan,
  generation: number,
): Promise<void> {
  const slots = slotsOf(before?.rulesets ?? [])
  if (before && before.ended.length === 0 && keepsHistory(slots, plan)) return
  await attempt(async () => {
    if (!before && isNew(settings)) return begin(settings, plan, generation)
    const { counters, bySlot } = before ? readCounted(settings, before) : nothingCounted
    await write(settings, before, { generation, counters, next: nextCounters(plan, bySlot) })
  })
}

/** What all rules have counted, by counter key and by slot. */
interface CountedRules {
  readonly counters: KeyedCounters
  readonly bySlot: ReadonlyMap<number, Counters>
}

const nothingCounted: CountedRules = { counters: new Map(), bySlot: new Map() }

function readCounted(settings: Settings, live: Live): CountedRules {
  const values = readRulesetCounters(settings, live).flat()
  const slots = live.rulesets.flatMap(ruleset => ruleset.slots)
  const keys = rulesetKeys(live.rulesets.map(({ ruleset }) => ruleset))
  return {
    counters: new Map(values.map((value, index) => [keys[index] ?? '', value])),
    bySlot: new Map(values.map((value, index) => [slots[index] ?? Number.NaN, value])),
  }
}

const isNew = (settings: Settings): boolean => !existsSync(databasePath(settings)) && !hasBeginning(settings)

function begin(settings: Settings, plan: Plan, generation: number): void {
  if (beginsAtZero(plan)) return keepBeginning(settings, generation)
  writeBeginning(settings, {
    time: Date.now(),
    generation,
    counters: new Map(),
    next: nextCounters(plan, new Map()),
  })
}

/** Records what rules have counted whose counters are about to go. The caller holds the lock. */
export const recordEnd = (settings: Settings, live: Live): Promise<void> =>
  attempt(() =>
    write(settings, live, {
      generation: undefined,
      counters: readCounted(settings, live).counters,
      next: new Map(),
    }),
  )

/** Writes a reading of rules in force so far, behind what was taken out of them since the last. */
async function write(
  settings: Settings,
  live: Live | undefined,
  reading: Omit<Reading, 'time'>,
): Promise<void> {
  const [{ writeDatabase }, { addEnded, addReading }] = await Promise.all([
    import('./database.ts'),
    import('./history.ts'),
  ])
  writeDatabase(settings, database => {
    if (live) addEnded(database, live.generation.number, live.ended)
    addReading(database, { time: Date.now(), ...reading })
  })
}

async function attempt(record: () => Promise<void>): Promise<void> {
  try {
    await record()
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'ERR_LOCKED') return
    const reason = error instanceof Error ? error.message : `${error}`
    process.stderr.write(`bpftables: hits are not recorded: ${reason}\n`)
  }
}
