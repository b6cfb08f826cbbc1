// The rules in force: the generation word says which generation, the state directory what that is.

import { closeSync } from 'node:fs'
import { parseSave } from 'iptables-parser'
import { generationMap } from '../../translator/lane.ts'
import { indexKey, lookup, openPinnedMap } from '../kernel/map.ts'
import { namespaceIdentity } from '../kernel/sys/namespace.ts'
import { ServiceError } from './error.ts'
import { type Generation, readGeneration } from './generation.ts'
import { expectRules } from './heap.ts'
import { type Journal, readJournal } from './incremental/journal.ts'
import { finishEdits } from './incremental/quick.ts'
import { withEdits } from './incremental/replay.ts'
import { ifUnlocked } from './lock.ts'
import { mapPin } from './pins.ts'
import type { Loaded, LoadedRuleset } from './plan.ts'
import type { Settings } from './settings.ts'

export interface Live extends Loaded {
  readonly generation: Generation
  /** How many edits were made since it was loaded; their outcome is in the rules. */
  readonly edits: number
  /** Slots of rules that edits put in. */
  readonly edited: readonly number[]
  /** Rules that were taken out since, and what they had counted. */
  readonly ended: Journal['ended']
}

/** The network namespace this command runs in, as /proc names it. */
export const currentNamespace = (): string => namespaceIdentity('net', 'thread-self')

/** The number of the generation in force; undefined where nothing is loaded. */
export function readGenerationWord(settings: Settings): number | undefined {
  const map = openPinnedMap(generationMap, mapPin(settings, generationMap.name))
  if (!map) return undefined
  try {
    const value = lookup(map, indexKey(0))
    const number = value ? Number(new DataView(value.buffer).getBigUint64(0, true)) : 0
    return number === 0 ? undefined : number
  } finally {
    closeSync(map.fd)
  }
}

/** What is loaded, whichever namespace it is for; undefined where nothing is. Throws ServiceError('ERR_STATE'). */
export function readLive(settings: Settings): Live | undefined {
  const number = readGenerationWord(settings)
  if (number === undefined) return undefined
  if (readJournal(settings, number).pending) ifUnlocked(settings, () => finishEdits(settings, number))
  return loadGeneration(settings, number)
}

/** A generation with its rules parsed, as edits left them. */
export function loadGeneration(settings: Settings, number: number): Live {
  const generation = readGeneration(settings, number)
  const journal = readJournal(settings, number)
  const edits = journal.entries.flatMap(entry => entry.edits)
  const loaded = generation.rulesets.map(({ family, text, slots }): LoadedRuleset => {
    expectRules(text)
    const ruleset = parseSave(text, { family, name: `generation ${number}`, remarks: true })
    return { ruleset, text, slots }
  })
  return {
    generation,
    rulesets: loaded.map(ruleset => withEdits(ruleset, edits)),
    counterArrays: generation.counterArrays,
    resting: edits.filter(({ kind }) => kind === 'delete').map(({ slot }) => slot),
    edits: journal.entries.length,
    edited: [
      ...(generation.edited ?? []),
      ...edits.filter(({ kind }) => kind === 'insert').map(({ slot }) => slot),
    ],
    ended: journal.ended,
  }
}

/** Refuses what would act on rules of another network namespace. */
export function requireOwnNamespace({ generation: { namespace } }: Live): void {
  const current = currentNamespace()
  if (namespace === current) return
  throw new ServiceError(
    'ERR_NAMESPACE',
    `the rules are those of the network namespace ${namespace}, and this is ${current}`,
    'Run this in that namespace, or give each namespace its own BPFTABLES_BPFFS and BPFTABLES_STATE_DIR.',
  )
}

/** What is loaded for this network namespace. Throws ServiceError('ERR_NOT_LOADED' | 'ERR_NAMESPACE'). */
export function requireLive(settings: Settings): Live {
  const live = readLive(settings)
  if (!live)
    throw new ServiceError('ERR_NOT_LOADED', 'no rules are loaded', 'Load some with "bpftables apply FILE".')
  requireOwnNamespace(live)
  return live
}
