// The rules of a program in force without those that its look-ups and its trees in maps hold, but for a few that stand in for them: of a look-up a rule of each
// kind, and of trees one that asks nothing, with the rules behind it that have to be asked in their place (translator/edit/overlay.ts).

import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import type { CounterArray } from '../../../translator/counter.ts'
import type { KeptRun } from '../../../translator/edit/overlay.ts'
import type { Between } from '../../../translator/edit/parted.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import { laneName } from '../../../translator/lane.ts'
import { editedIn, type HeldRules, heldRules } from './held.ts'
import type { IndexedChain, IndexedStretch } from './index-file.ts'
import { editedRules, saveText } from './items.ts'
import { kindOf } from './kind.ts'
import type { Lines } from './lines.ts'
import { partsOf } from './parts.ts'
import type { ChainPlace, EditState } from './state.ts'

export interface Reduced {
  readonly rulesets: readonly Ruleset[]
  /** Of all that counts, in the order of countedRules: where. */
  readonly slots: readonly number[]
  /** And its number in its chain; 0 is the policy. */
  readonly numbers: readonly number[]
  /** What stands in for more than itself, by index among all that counts. */
  readonly standIns: ReadonlyMap<number, HeldRules>
  /** What stands in for trees, by index among all that counts. */
  readonly kept: ReadonlyMap<number, KeptRun>
}

/** One that counts. */
interface Row {
  readonly number: number
  readonly slot: number
  readonly text: string
  readonly held?: HeldRules
  readonly kept?: KeptRows
}

/** What goes on under rules that have changed since, the boxes of these, and how many rows come behind: that stand in for look-ups, and that may match packets in the boxes. */
interface KeptRows {
  readonly stretch?: IndexedStretch
  readonly edited: readonly FieldSets[]
  readonly standIns: number
  readonly rules: number
  readonly between?: Between
}

/** How many rules the program of a lane holds otherwise than by long look-ups and trees in maps. */
export function unheldFor(state: EditState, lane: string): number {
  let unheld = 0
  for (const [at, { lane: own, family, table, chains }] of state.index.lanes.entries())
    if (laneName(own) === lane)
      for (const chain of chains.keys()) {
        const place = { family, table, chain }
        for (const { count } of state.pieces(place)) unheld += count
        for (const { first, last } of [
          ...heldRules(state.blocks(at, place) ?? []),
          ...state.stretches(at, place),
        ])
          unheld -= last - first + 1
      }
  return unheld
}

/** The rules for the program of a lane; undefined where some of its look-ups cannot be told apart from the rules around them. */
export function reduceFor(state: EditState, lane: string): Reduced | undefined {
  const rulesets: Ruleset[] = []
  const rows: Row[] = []
  for (const [at, indexed] of state.index.lanes.entries()) {
    if (laneName(indexed.lane) !== lane) continue
    const reduced = reduceFamily(state, at)
    if (!reduced) return undefined
    rulesets.push(reduced.ruleset)
    rows.push(...reduced.rows)
  }
  const standIns = rows.flatMap(({ held }, index) => (held ? [[index, held] as const] : []))
  const trees = rows.flatMap(({ kept }, index) => (kept ? [[index, kept] as const] : []))
  return {
    rulesets,
    slots: rows.map(({ slot }) => slot),
    numbers: rows.map(({ number }) => number),
    standIns: new Map(standIns),
    kept: new Map(
      trees.map(([index, { stretch, standIns, ...changed }]) => [
        index,
        { under: stretch?.blocks ?? { standIns }, ...changed },
      ]),
    ),
  }
}

function reduceFamily(state: EditState, at: number): { ruleset: Ruleset; rows: Row[] } | undefined {
  const { family = 4, table = 'filter', chains: held } = state.index.lanes[at] ?? {}
  const indexed = state.index.families.find(one => one.family === family)?.chains ?? []
  const chains = indexed.filter(
    ({ table: own, name, policy }) => own === table && (policy || held?.has(name)),
  )
  const slots = new Map(chains.map(({ name, policy }) => [name, policy?.slot]))
  const reduced = new Map<string, Row[]>()
  for (const chain of chains) {
    const rows = rowsOf(state, at, chain, family)
    if (!rows || rows.some(({ text }) => text.includes('\0'))) return undefined
    reduced.set(chain.name, rows)
  }
  const texts = new Map([...reduced].map(([name, rows]) => [name, rows.map(({ text }) => text)]))
  const ruleset = parseSave(saveText(table, family, chains, texts), { family, name: 'the rules in force' })
  const rows: Row[] = []
  for (const { name, policy, rules } of ruleset.tables.flatMap(one => one.chains)) {
    const own = reduced.get(name) ?? []
    const slot = slots.get(name)
    if (own.length !== rules.length || (policy === undefined) !== (slot === undefined)) return undefined
    if (slot !== undefined) rows.push({ number: 0, slot, text: '' })
    rows.push(...own)
  }
  return { ruleset, rows }
}

/** The rules of a chain; of one that the program does not hold none are needed. */
function rowsOf(
  state: EditState,
  at: number,
  { table, name }: IndexedChain,
  family: Family,
): Row[] | undefined {
  const place = { family, table, chain: name }
  const [lines, blocks] = [state.lines(place), state.blocks(at, place)]
  if (!lines) return undefined
  if (!blocks) return []
  const held = heldRules(blocks)
  const stretches = state.stretches(at, place)
  const rows: Row[] = []
  for (let number = 1; number <= lines.count; number++) {
    const found = held.find(({ first, last }) => holds(first, last, number))
    const stretch = stretches.find(({ first, last }) => holds(first, last, number))
    const part = found
      ? heldRows(state, at, place, lines, found)
      : stretch
        ? keptRows(state, at, place, lines, stretch)
        : [rowOf(lines, number)]
    if (!part) return undefined
    rows.push(...part)
    number = (found ?? stretch)?.last ?? number
  }
  return rows
}

const holds = (first: number, last: number, number: number): boolean => first <= number && number <= last

const rowOf = (lines: Lines, number: number): Row => ({
  number,
  slot: lines.slotOf(number),
  text: lines.textOf(number),
})

/** So many rules of a stretch may have changed, and so many of it be asked beside its trees; beyond that the trees are made anew, which takes little longer. */
const MOST_EDITED = 256
const MOST_ASKED = 3000
/** And each of the one may have to be narrowed to each of the other. */
const MOST_PAIRS = 16_384

/** Undefined where so much has changed that the look-ups should be made anew. */
function heldRows(
  state: EditState,
  at: number,
  place: ChainPlace,
  lines: Lines,
  held: HeldRules,
): Row[] | undefined {
  const edited = editedIn(held)
  const standing = standIns(state, lines, held, new Set(edited.map(({ rule }) => rule)))
  const { first, last, blocks } = held
  const isPlaced = blocks.every(block => !block.displaced)
  return keptRows(state, at, place, lines, { first, last, edited, standing, isPlaced })
}

/** Rules of which only those that have changed are known, and what stands in for the others. */
type Changed = Pick<IndexedStretch, 'first' | 'last' | 'edited'> & {
  readonly standing: readonly Row[]
  /** What is found there tells its rule by its slot. */
  readonly isPlaced: boolean
}

/** Undefined where so much has changed that the trees should be made anew. */
function keptRows(
  state: EditState,
  at: number,
  place: ChainPlace,
  lines: Lines,
  changed: IndexedStretch | Changed,
): Row[] | undefined {
  const { first } = changed
  const { arrays } = state.index
  const standing = 'standing' in changed ? changed.standing : []
  if (changed.edited.length > MOST_EDITED) return undefined
  const rules = editedRules(state, at, place, changed.edited)
  if (!rules) return undefined
  const canPart = !('isPlaced' in changed) || changed.isPlaced
  const { over, asked, between } = partsOf({ lines, changed, rules, place, arrays, canPart })
  if (asked.length > MOST_ASKED || asked.length * over.length > MOST_PAIRS) return undefined
  const edited = over.flatMap(({ items }) => items.map(({ sets }) => FieldSets.of(sets)))
  const kept = {
    ...('blocks' in changed && { stretch: changed }),
    edited,
    standIns: standing.length,
    rules: asked.length,
    ...(between && { between }),
  }
  return [
    { number: first, slot: lines.slotOf(first), text: '', kept },
    ...standing,
    ...asked.map(number => rowOf(lines, number)),
  ]
}

/** One rule of each kind, of those that the look-ups know: the first with its words that counts in its array. */
function standIns(
  { index: { arrays } }: EditState,
  lines: Lines,
  held: HeldRules,
  unknown: ReadonlySet<string>,
): Row[] {
  const rows: Row[] = []
  const ends = endsOf(arrays)
  const kinds = new Set<number>()
  lines.visit(held.first, held.last, (number, slot, bytes, from, end) => {
    let array = 0
    while (slot >= (ends[array] ?? Number.POSITIVE_INFINITY)) array++
    const kind = kindOf(bytes, from, end) * ends.length + array
    if (kinds.has(kind)) return
    const text = lines.textOf(number)
    if (unknown.has(text)) return
    kinds.add(kind)
    rows.push({ number, slot, text, held })
  })
  return rows
}

/** Of each counter array, the first slot behind it. */
function endsOf(arrays: readonly CounterArray[]): readonly number[] {
  let slot = 0
  return arrays.map(({ entries }) => {
    slot += entries
    return slot
  })
}
