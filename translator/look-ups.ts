// The look-ups of a program, and their maps. A program may have 64 (MAX_USED_MAPS), and a look-up with maps of its own takes three. So where look-ups are many only the
// longest have their own, and the others share some (emit/look-up.ts).

import type { Family } from 'iptables-parser'
import type { JumpOptions } from './asm/relax.ts'
import { blocksIn } from './chain.ts'
import type { LookUpUse, Shared } from './emit/frame.ts'
import { keyLayout, sharedSize } from './emit/key.ts'
import { besideOf, INDEX_SIZE, type LookUpName, lookUpFunction, tableMaps } from './emit/look-up.ts'
import type { Plan } from './plan.ts'
import type { FunctionSpec, MapSpec } from './program.ts'
import type { Dispatch } from './tree/dispatch.ts'
import { buildHashTable, type Entries, type HashTable, VALUE_SIZE } from './tree/hash-table.ts'

/** What is looked up, and what its values can say. */
type Asked = Pick<LookUpUse, 'dispatch' | 'actions'>

/** Look-ups of a program before that go on in this one, with their maps. */
export interface GoingOn {
  /** The names of their hash maps. */
  readonly names: ReadonlySet<string>
  /** Whether a look-up stands for one of them. */
  holds(dispatch: Dispatch): boolean
  /** Which one; undefined where that is not certain. */
  of(use: Asked): LookUpName | undefined
}

export interface LookUpOptions {
  readonly plans: readonly { readonly family: Family; readonly plan: Plan }[]
  /** So many maps of another program go on beside these. */
  readonly held: number
  readonly goingOn?: GoingOn
  /** Gives a name to a map, and to a function, by what it begins with. */
  readonly mapName: (prefix: string) => string
  readonly functionName: (prefix: string) => string
  readonly tableOf: (dispatch: Dispatch, entries: Entries) => HashTable | undefined
}

export interface LookUpParts {
  readonly uses: readonly LookUpUse[]
  readonly maps: readonly MapSpec[]
  /** Those of look-ups that share maps. */
  readonly functions: readonly FunctionSpec[]
}

/** So many look-ups may have maps of their own, each three: other maps are needed too. */
const [MOST_OWN, MAPS_OF_TABLE] = [10, 3]

/** Maps that several look-ups have, and what they are to hold. */
interface SharedMaps {
  readonly name: string
  readonly entries: Entries[]
}

/** Gathers the look-ups of a program while it is emitted. */
export class LookUps {
  readonly #options: LookUpOptions
  readonly #families: ReadonlyMap<Dispatch, Family>
  readonly #own: ReadonlySet<Dispatch>
  readonly #uses = new Map<Dispatch, LookUpUse>()
  readonly #maps: MapSpec[] = []
  /** By the size of their keys. */
  readonly #shared = new Map<number, SharedMaps>()
  /** By the hash map they look into. */
  readonly #functions = new Map<string, { readonly name: string; readonly found: LookUpName }>()

  constructor(options: LookUpOptions) {
    const { plans, held, goingOn } = options
    this.#options = options
    this.#families = familiesIn(plans)
    const isNew = (dispatch: Dispatch): boolean => !goingOn?.holds(dispatch)
    const taken = Math.ceil(held / MAPS_OF_TABLE) + (goingOn?.names.size ?? 0)
    this.#own = longest([...this.#families.keys()].filter(isNew), Math.max(0, MOST_OWN - taken))
  }

  /** Where something is looked up. A chain may stand in place more than once, and be asked for as often. */
  readonly lookUp: Shared['lookUp'] = (asked, entriesFor) => {
    const before = this.#uses.get(asked.dispatch)
    if (before) return before
    const use = { ...asked, ...this.#place(asked, entriesFor) }
    this.#uses.set(asked.dispatch, use)
    return use
  }

  /** The name of the function that looks into shared maps. */
  readonly lookUpFunction: Shared['lookUpFunction'] = found => {
    const { name } = this.#functions.get(found.name) ?? { name: this.#options.functionName('look_up') }
    this.#functions.set(found.name, { name, found })
    return name
  }

  /** What has come of it, once all is emitted. */
  finish(jumps: JumpOptions): LookUpParts {
    const made = [...this.#shared.values()].map(({ name, entries }) => {
      const all = joined(entries)
      return mapsFor(name, all, buildHashTable(all))
    })
    const hasTable = new Map(made.map(({ found }) => [found.name, found.table]))
    const certain = <T extends LookUpName>(found: T): T => ({
      ...found,
      table: hasTable.get(found.name) ?? found.table,
    })
    return {
      uses: [...this.#uses.values()].map(certain),
      maps: [...this.#maps, ...made.flatMap(({ maps }) => maps)],
      functions: [...this.#functions.values()].map(({ name, found }) => ({
        ...lookUpFunction(certain(found), found.shared?.keySize ?? 0, jumps),
        name,
      })),
    }
  }

  #place(asked: Asked, entriesFor: Parameters<Shared['lookUp']>[1]): LookUpName {
    const { dispatch } = asked
    const { goingOn, mapName } = this.#options
    const family = this.#families.get(dispatch) ?? 4
    const before = goingOn?.of(asked)
    if (before) {
      this.#maps.push(...mapsThere(before, keyLayout(dispatch.fields, family, before.shared).size))
      return before
    }
    const isOwn = this.#own.has(dispatch)
    const keySize = isOwn ? undefined : sharedSize(dispatch.fields, family)
    if (keySize !== undefined)
      return this.#join(keySize, place => entriesFor(keyLayout(dispatch.fields, family, place)))
    const entries = entriesFor(keyLayout(dispatch.fields, family))
    const table = isOwn ? this.#options.tableOf(dispatch, entries) : undefined
    const { found, maps } = mapsFor(mapName('dispatch'), entries, table)
    this.#maps.push(...maps)
    return found
  }

  #join(keySize: number, entriesFor: (place: NonNullable<LookUpName['shared']>) => Entries): LookUpName {
    const maps = this.#shared.get(keySize) ?? { name: this.#options.mapName('dispatch'), entries: [] }
    this.#shared.set(keySize, maps)
    const shared = { number: maps.entries.length, keySize }
    maps.entries.push(entriesFor(shared))
    // whether there is a table is known once all of them are there
    return { name: maps.name, table: true, shared }
  }
}

/** The look-ups of plans, in order. */
const familiesIn = (plans: LookUpOptions['plans']): ReadonlyMap<Dispatch, Family> =>
  new Map(
    plans.flatMap(({ family, plan }) =>
      lookUpsIn(plan).map((dispatch): readonly [Dispatch, Family] => [dispatch, family]),
    ),
  )

/** The look-ups of a plan. */
export const lookUpsIn = ({ mixed }: Pick<Plan, 'mixed'>): readonly Dispatch[] =>
  mixed.flatMap(({ blocks }) =>
    blocks.flatMap(blocksIn).flatMap(block => (block.kind === 'dispatch' ? [block] : [])),
  )

/** So many of the longest. */
const longest = (all: readonly Dispatch[], most: number): ReadonlySet<Dispatch> =>
  new Set(all.toSorted((a, b) => b.cases.length - a.cases.length).slice(0, most))

function mapsFor(
  name: string,
  entries: Entries,
  table: HashTable | undefined,
): { readonly found: LookUpName; readonly maps: readonly MapSpec[] } {
  const { count, keySize, keys, values } = entries
  const hash = hashMap(name, keySize)
  if (!table) {
    const maps = [{ ...hash, maxEntries: count + roomFor(count), contents: { count, keys, values } }]
    return { found: { name, table: false }, maps }
  }
  const { buckets, edited } = tableMaps(table, keySize)
  const beside = besideOf(name)
  const maps = [
    { ...hash, maxEntries: roomFor(count) },
    { ...buckets, name: beside.buckets },
    { ...edited, name: beside.edited },
  ]
  return { found: { name, table: true }, maps }
}

const hashMap = (name: string, keySize: number) =>
  ({ name, type: 'HASH', keySize, valueSize: VALUE_SIZE, flags: 0, shared: false }) as const

/** Room for edits while the program runs. */
const roomFor = (cases: number): number => Math.max(64, Math.min(cases >> 2, 1 << 14))

/** The same maps without what is in them: they are there already. */
function mapsThere({ name, table }: LookUpName, keySize: number): readonly MapSpec[] {
  const hash = { ...hashMap(name, keySize), maxEntries: 1 }
  if (!table) return [hash]
  const beside = besideOf(name)
  const { buckets, edited } = tableMaps({ buckets: 1, bytes: new Uint8Array(0) }, keySize)
  const { contents: _, ...empty } = buckets
  return [hash, { ...empty, name: beside.buckets }, { ...edited, name: beside.edited }]
}

/** All in one; keys are of one size. */
function joined(all: readonly Entries[]): Entries {
  const count = all.reduce((sum, one) => sum + one.count, 0)
  const [{ keySize } = { keySize: 0 }] = all
  const keys = new Uint8Array(count * keySize)
  const values = new Uint8Array(count * VALUE_SIZE)
  let at = 0
  for (const one of all) {
    keys.set(one.keys, at * keySize)
    values.set(one.values, at * VALUE_SIZE)
    at += one.count
  }
  return { count, keySize, keys, values }
}

/** Bytes of the stack that look-ups of a plan's chains take at most. */
export const largestKey = (plan: Plan, family: Family): number =>
  lookUpsIn(plan).reduce((most, { fields }) => Math.max(most, keyLayout(fields, family).size + INDEX_SIZE), 0)
