// What an edit must know of the generation in force without parsing its rules: a file beside the generation, written when it is loaded. It is
// derived from the generation, so it may be missing: then an edit makes a new generation.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { CounterArray } from '../../../translator/counter.ts'
import type { BlockShape, EditableLane } from '../../../translator/edit/block.ts'
import type { ChainCode } from '../../../translator/edit/chain-code.ts'
import type { Stretch } from '../../../translator/edit/kept.ts'
import { removeIfThere } from '../durable-file.ts'
import { ServiceError, systemReason } from '../error.ts'
import type { Generation } from '../generation.ts'
import { expectObjects } from '../heap.ts'
import type { Settings } from '../settings.ts'
import type { ChainTable } from './chain-table.ts'
import type { LineTable } from './lines.ts'
import type { NameList } from './name-list.ts'

/** Raised when something changes its meaning. */
const FORMAT = 10

export interface IndexedFamily extends LineTable {
  readonly chains: ChainTable
}

/** A block, and who has its keys where they are several. */
export interface IndexedBlock extends BlockShape {
  /** By key in hexadecimal digits (holder.ts). */
  readonly holders: ReadonlyMap<string, readonly number[]>
  /** In a block that only drops what is malformed: how many rules have the key. */
  readonly counts: ReadonlyMap<string, number>
  readonly edited: readonly EditedText[]
  /** The rules that stood in for it when its program was made. */
  readonly standing?: Standing
  /** It drops what is malformed, and may name another than the first rule for some values. */
  readonly displaced?: true
  /** A map update has put a rule into it that only counts, which what stood in for it may know nothing of. */
  readonly counting?: true
}

/** One of each kind of the rules that a look-up knows, so that these need not be gone through again. */
export interface Standing {
  readonly rules: readonly { readonly slot: number; readonly rule: string }[]
  /** The texts of those that it did not know then. */
  readonly unknown: readonly string[]
}

/** A rule that was put in or taken out, or calls a chain that has changed, since what holds the rules around it was made, which knows nothing of that. */
export interface EditedText {
  /** As iptables-save prints it, without `-A CHAIN`. */
  readonly rule: string
  readonly kind: 'insert' | 'delete' | 'called'
}

/** Rules that trees in maps hold. */
export interface IndexedStretch extends Stretch {
  /** What the trees know nothing of. */
  readonly edited: readonly EditedText[]
  /** The slots of rules that were put into the trees since they were made (amended.ts). */
  readonly putIn?: readonly number[]
  /** The slots of rules that trees held nowhere when they were made, and since may hold in some leaves only. */
  readonly revived?: readonly number[]
}

export interface IndexedLane extends Omit<EditableLane, 'chains'> {
  /** The names of all chains that the program holds (name-list.ts). */
  readonly names: NameList
  /** The blocks of those that have some. */
  readonly chains: ReadonlyMap<string, readonly IndexedBlock[]>
  /** Of the chains that have some. */
  readonly stretches: ReadonlyMap<string, readonly IndexedStretch[]>
  /** The functions that chains stand in. */
  readonly code?: ChainCode
  /** Ids of the maps of its blocks, stretches and functions, by name. */
  readonly maps: ReadonlyMap<string, number>
}

export interface EditIndex {
  readonly generation: number
  /** So many of the first entries of its journal are carried out in the index. */
  readonly carriedOut: number
  readonly namespace: string
  readonly hook: Generation['hook']
  readonly devices: readonly string[]
  readonly conntrack: boolean
  readonly arrays: readonly CounterArray[]
  readonly families: readonly IndexedFamily[]
  readonly lanes: readonly IndexedLane[]
  /** Slots that no rule of this generation has and that are not free. */
  readonly taken: Uint32Array
}

const pathOf = ({ stateDirectory }: Settings, generation: number): string =>
  join(stateDirectory, 'generations', `${generation}.index`)

/** Writes an index. The directory is there. Throws ServiceError('ERR_FILE'). */
export function writeIndex(settings: Settings, index: EditIndex): void {
  const path = pathOf(settings, index.generation)
  try {
    const beside = `${path}.new`
    writeFileSync(beside, serialize({ format: FORMAT, ...index }), { mode: 0o600 })
    renameSync(beside, path)
  } catch (error) {
    throw new ServiceError('ERR_FILE', `cannot write ${path}: ${systemReason(error)}`, undefined, error)
  }
}

/** The index of a generation; undefined where there is none that can be read. */
export function readIndex(settings: Settings, generation: number): EditIndex | undefined {
  try {
    const bytes = readFileSync(pathOf(settings, generation))
    expectObjects(bytes.length)
    const read = deserialize(bytes) as EditIndex & { format: number }
    return read.format === FORMAT && read.generation === generation ? read : undefined
  } catch {
    return undefined
  }
}

export const removeIndex = (settings: Settings, generation: number): void =>
  removeIfThere(pathOf(settings, generation))
