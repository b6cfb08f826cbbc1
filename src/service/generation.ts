// What a generation is: one loaded state of all rules. Its number stands in the kernel (the generation word), and what the
// number means stands in the state directory:
//
//     generations/<number>.json      rule sets as text, and where each rule counts
//     current                        the number of the generation to load after a reboot
//
// A file is written whole before the kernel turns to its number, so a number read from the kernel always has its file.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from 'iptables-parser'
import type { CounterArray } from '../../translator/counter.ts'
import type { Lane } from '../../translator/lane.ts'
import { readBytesIfThere, readIfThere, removeIfThere, writeDurably } from './durable-file.ts'
import type { EarlyChoice } from './early.ts'
import { isMissing, ServiceError, systemReason } from './error.ts'
import { removeIndex } from './incremental/index-file.ts'
import { removeJournal } from './incremental/journal.ts'
import type { HookChoice, Settings } from './settings.ts'

/** Raised when a field changes its meaning. */
const FORMAT = 1

/** The rules of one family as they were loaded. */
export interface SavedRuleset {
  readonly family: Family
  /** As the user wrote it, comments included. */
  readonly text: string
  /** Counter slots, in the order of countedRules. */
  readonly slots: readonly number[]
}

export interface Generation {
  readonly number: number
  /** ISO 8601, UTC. */
  readonly time: string
  readonly hook: Exclude<HookChoice, 'auto'>
  /** What the user wanted; `hook` is what came of it. */
  readonly choice?: HookChoice
  /** Where drops are taken early, and why, or why not; only where the choice was ours. */
  readonly early?: readonly EarlyChoice[]
  /** That xdp and tc programs are attached to; none at netfilter. */
  readonly devices: readonly string[]
  /** The network namespace, as /proc/self/ns/net names it. */
  readonly namespace: string
  readonly rulesets: readonly SavedRuleset[]
  readonly counterArrays: readonly CounterArray[]
  readonly lanes: readonly Lane[]
  /** A rule asks for connection state. */
  readonly conntrack: boolean
  /** Slots of rules that commands put in, one by one, the last few: more like them are likely to come. */
  readonly edited?: readonly number[]
}

/** The rule sets of a generation, as its file says them. */
export interface UnreadRulesets {
  readonly json: Buffer
}

/** A generation that is put in force with its rules read or unread: a file of thousands of them takes longer to read and to write than an edit beside them. */
export interface PlacedGeneration extends Omit<Generation, 'rulesets'> {
  readonly rulesets: readonly SavedRuleset[] | UnreadRulesets
}

/** How many generations are kept to go back to. */
const KEPT = 10

const directoryOf = ({ stateDirectory }: Settings): string => join(stateDirectory, 'generations')

/** Where a generation is written down. */
export const generationFile = (settings: Settings, number: number): string =>
  join(directoryOf(settings), `${number}.json`)

const currentOf = ({ stateDirectory }: Settings): string => join(stateDirectory, 'current')

/** Writes a generation down so that it is there after a power cut. Throws ServiceError('ERR_FILE'). */
export function writeGeneration(settings: Settings, { rulesets, ...rest }: PlacedGeneration): void {
  // of a process that died over the same number
  removeJournal(settings, rest.number)
  const head = `${JSON.stringify({ format: FORMAT, ...rest }).slice(0, -1)}${RULESETS}`
  const path = generationFile(settings, rest.number)
  if ('json' in rulesets) writeDurably(path, head, rulesets.json, END)
  else writeDurably(path, `${head}${JSON.stringify(rulesets)}${END}`)
}

/** What the rule sets follow, which are the last in a file. In a string the quotes would stand behind a backslash. */
const RULESETS = ',"rulesets":'
const END = '}\n'

/** Says which generation to load after a reboot. */
export const writeCurrent = (settings: Settings, number: number): void =>
  writeDurably(currentOf(settings), `${number}\n`)

/** Nothing is to be loaded after a reboot. */
export const clearCurrent = (settings: Settings): void => removeIfThere(currentOf(settings))

/** The number of the generation to load after a reboot. */
export function readCurrent(settings: Settings): number | undefined {
  const text = readIfThere(currentOf(settings))
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new ServiceError('ERR_STATE', `${currentOf(settings)} does not hold the number of a generation`)
}

/** Reads a generation back. Throws ServiceError('ERR_STATE') where it is missing or of another make. */
export const readGeneration = (settings: Settings, number: number): Generation =>
  readFile(settings, number, (path, bytes) => parseGeneration(path, bytes.toString()))

/** The same but for its rules. */
export const readUnread = (settings: Settings, number: number): PlacedGeneration =>
  readFile(settings, number, parseUnread)

function readFile<G extends Pick<Generation, 'number'>>(
  settings: Settings,
  number: number,
  parse: (path: string, bytes: Buffer) => G,
): G {
  const path = generationFile(settings, number)
  const bytes = readBytesIfThere(path)
  if (bytes === undefined) throw new ServiceError('ERR_STATE', `${path} is missing`, stateHint)
  const generation = parse(path, bytes)
  if (generation.number === number) return generation
  throw new ServiceError('ERR_STATE', `${path} holds generation ${generation.number}`)
}

function parseUnread(path: string, bytes: Buffer): PlacedGeneration {
  const at = bytes.indexOf(RULESETS)
  const rest = at < 0 ? undefined : parseGeneration(path, `${bytes.toString('utf8', 0, at)}}`)
  const json = bytes.subarray(at + RULESETS.length, bytes.length - END.length)
  // files that were written before rule sets came last are read whole
  const isWhole =
    rest && 'conntrack' in rest && bytes.toString('latin1', bytes.length - END.length - 1) === `]${END}`
  return isWhole ? { ...rest, rulesets: { json } } : parseGeneration(path, bytes.toString())
}

const stateHint =
  'It belongs to the rules in the kernel; see that BPFTABLES_STATE_DIR and BPFTABLES_BPFFS are those the rules were loaded with.'

interface Written extends Generation {
  readonly format: number
}

/** What a file with that text says. Throws ServiceError('ERR_STATE') where it is damaged or of another make. */
export function parseGeneration(path: string, text: string): Generation {
  const written = parseJson(path, text)
  if (written.format === FORMAT) return written
  throw new ServiceError('ERR_STATE', `${path} has format ${written.format}; this program knows ${FORMAT}`)
}

function parseJson(path: string, text: string): Written {
  try {
    return JSON.parse(text) as Written
  } catch (error) {
    throw new ServiceError('ERR_STATE', `${path} is damaged`, undefined, error)
  }
}

/** Numbers of the generations written down, in order; the last may never have been loaded. */
export function listGenerations(settings: Settings): readonly number[] {
  try {
    return readdirSync(directoryOf(settings))
      .flatMap(name => /^([1-9]\d*)\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  } catch (error) {
    if (isMissing(error)) return []
    throw new ServiceError('ERR_FILE', `cannot read ${directoryOf(settings)}: ${systemReason(error)}`)
  }
}

/** Removes all but the last few generations up to `current`. */
export function forgetGenerations(settings: Settings, current: number): void {
  const past = listGenerations(settings).filter(number => number <= current)
  for (const number of past.slice(0, -KEPT)) {
    removeIfThere(generationFile(settings, number))
    removeJournal(settings, number)
  }
  for (const number of past.slice(0, -1)) removeIndex(settings, number)
}
