// The first reading of a history: rules come into force, and nothing was known before. It waits in a file of its own until there is a second, since
// to load SQLite and to make a database takes as long as to load the rules. Where all counters begin at zero it is a copy of the generation's file,
// which says as much: to make a key of every rule takes a tenth of the time in which the rules are loaded.

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Counters, noCounters, parseSave } from 'iptables-parser'
import { rulesetKeys } from '../../translator/counter.ts'
import { readIfThere, removeIfThere } from '../service/durable-file.ts'
import { generationFile, parseGeneration } from '../service/generation.ts'
import type { Settings } from '../service/settings.ts'
import type { KeyedCounters, Reading } from './history.ts'

interface Kept {
  readonly time: number
  readonly generation: number
  /** The keys of counters that go on from it, and what they began at, in decimal digits, where that is not zero. */
  readonly next: readonly (string | readonly [key: string, packets: string, bytes: string])[]
}

type Beginning = Reading & Required<Pick<Reading, 'generation' | 'next'>>

const pathOf = ({ stateDirectory }: Settings): string => join(stateDirectory, 'statistics.beginning')

/** Here, since who imports database.ts loads SQLite. */
export const databasePath = ({ stateDirectory }: Settings): string => join(stateDirectory, 'statistics.db')

/** Whether a first reading waits. */
export const hasBeginning = (settings: Settings): boolean => existsSync(pathOf(settings))

export function writeBeginning(settings: Settings, { time, generation, next }: Beginning): void {
  const kept = {
    time,
    generation,
    next: [...next].map(([key, { packets, bytes }]) =>
      packets === 0n && bytes === 0n ? key : [key, `${packets}`, `${bytes}`],
    ),
  }
  mkdirSync(settings.stateDirectory, { recursive: true, mode: 0o700 })
  writeFileSync(pathOf(settings), JSON.stringify(kept), { mode: 0o600 })
}

/** Keeps the generation as the first reading: all that counts in it begins at zero. */
export const keepBeginning = (settings: Settings, generation: number): void =>
  copyFileSync(generationFile(settings, generation), pathOf(settings))

/** The first reading, where it waits; one that a power cut left half written is lost. */
export function readBeginning(settings: Settings): Reading | undefined {
  const path = pathOf(settings)
  const text = readIfThere(path) ?? ''
  try {
    const read = JSON.parse(text) as Kept | { readonly next?: undefined }
    return read.next ? readKept(read) : readGenerationKept(path, text)
  } catch {
    return undefined
  }
}

function readKept({ time, generation, next }: Kept): Reading {
  const counters = next.map((one): [string, Counters] => {
    if (typeof one === 'string') return [one, noCounters]
    const [key, packets, bytes] = one
    return [key, { packets: BigInt(packets), bytes: BigInt(bytes) }]
  })
  return { time, generation, counters: new Map(), next: new Map(counters) }
}

function readGenerationKept(path: string, text: string): Reading {
  const { time, number, rulesets } = parseGeneration(path, text)
  const parsed = rulesets.map(({ family, text }) => parseSave(text, { family }))
  const next: KeyedCounters = new Map(rulesetKeys(parsed).map(key => [key, noCounters]))
  return { time: Date.parse(time), generation: number, counters: new Map(), next }
}

export const removeBeginning = (settings: Settings): void => removeIfThere(pathOf(settings))
