// The rules of a program in force without those that its look-ups and its trees in maps hold, but for a few that stand in for them: of a look-up a rule of each
// kind, and of trees one that asks nothing, with the rules behind it that have to be asked in their place (translator/edit/overlay.ts).

import { type Family, parseSave, type Rule, type Ruleset } from 'iptables-parser'
import { counterPlace } from '../../../translator/counter.ts'
import type { KeptRun } from '../../../translator/edit/overlay.ts'
import type { Held } from '../../../translator/edit/stand-in.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import { decides, type Item } from '../../../translator/item.ts'
import { laneName } from '../../../translator/lane.ts'
import type { IndexedBlock, IndexedChain, IndexedStretch } from './index-file.ts'
import type { Lines } from './lines.ts'
import { itemsOf } from './plan.ts'
import { reachOf } from './reach.ts'
import { linePrefix } from './request.ts'
import type { ChainPlace, EditState } from './state.ts'

export type HeldRules = Held<IndexedBlock>

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
  /** How many rules are held by look-ups and trees. */
  readonly held: number
}

/** One that counts. */
interface Row {
  readonly number: number
  readonly slot: number
  readonly text: string
  readonly held?: HeldRules
  readonly kept?: KeptRows
}

/** A stretch whose trees go on, of the rules that have changed since the boxes, and how many rows come behind that may match packets in these. */
interface KeptRows {
  readonly stretch: IndexedStretch
  readonly edited: readonly FieldSets[]
  readonly rules: number
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
  const all = new Set([...standIns.map(([, held]) => held), ...trees.map(([, { stretch }]) => stretch)])
  return {
    rulesets,
    slots: rows.map(({ slot }) => slot),
    numbers: rows.map(({ number }) => number),
    standIns: new Map(standIns),
    kept: new Map(
      trees.map(([index, { stretch, edited, rules }]) => [index, { blocks: stretch.blocks, edited, rules }]),
    ),
    held: [...all].reduce((sum, { first, last }) => sum + last - first + 1, 0),
  }
}

function reduceFamily(state: EditState, at: number): { ruleset: Ruleset; rows: Row[] } | undefined {
  const { family = 4, table = 'filter' } = state.index.lanes[at] ?? {}
  const indexed = state.index.families.find(one => one.family === family)?.chains ?? []
  const chains = indexed.filter(chain => chain.table === table)
  const reduced = new Map<string, Row[]>()
  for (const chain of chains) {
    const rows = rowsOf(state, at, chain, family)
    if (!rows || rows.some(({ text }) => text.includes('\0'))) return undefined
    reduced.set(chain.name, rows)
  }
  const ruleset = parseSave(saveText(table, family, chains, reduced), { family, name: 'the rules in force' })
  const rows: Row[] = []
  for (const { name, policy, rules } of ruleset.tables.flatMap(one => one.chains)) {
    const own = reduced.get(name) ?? []
    const slot = chains.find(chain => chain.name === name)?.policy?.slot
    if (own.length !== rules.length || (policy === undefined) !== (slot === undefined)) return undefined
    if (slot !== undefined) rows.push({ number: 0, slot, text: '' })
    rows.push(...own)
  }
  return { ruleset, rows }
}

function saveText(
  table: string,
  family: Family,
  chains: readonly IndexedChain[],
  reduced: ReadonlyMap<string, readonly Row[]>,
): string {
  const heads = chains.map(({ name, policy }) => `:${name} ${policy?.verdict ?? '-'} [0:0]\n`)
  const rules = [...reduced].flatMap(([name, rows]) =>
    rows.map(({ text }) => `${linePrefix(name, family)}${text}\n`),
  )
  return [`*${table}\n`, ...heads, ...rules, 'COMMIT\n'].join('')
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
    if (found) rows.push(...standIns(state, lines, found))
    else if (stretch) {
      const kept = keptRows(state, at, place, lines, stretch)
      if (!kept) return undefined
      rows.push(...kept)
    } else rows.push(rowOf(lines, number))
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

/** Undefined where so much has changed that the trees should be made anew. */
function keptRows(
  state: EditState,
  at: number,
  place: ChainPlace,
  lines: Lines,
  stretch: IndexedStretch,
): Row[] | undefined {
  const { first, edited: texts } = stretch
  const lane = state.index.lanes[at]
  if (!lane || texts.length > MOST_EDITED) return undefined
  const rules = (texts.length === 0 ? [] : rulesOf(state, place, texts)).flatMap(rule => {
    const items = itemsOf(rule, lane)
    return items ? [{ rule, items }] : []
  })
  if (rules.length < texts.length) return undefined
  const asked = askedRules(lines, stretch, rules, place.family)
  if (asked.length > MOST_ASKED || asked.length * texts.length > MOST_PAIRS) return undefined
  const edited = rules.flatMap(({ items }) => items.map(({ sets }) => FieldSets.of(sets)))
  const kept = { stretch, edited, rules: asked.length }
  return [
    { number: first, slot: lines.slotOf(first), text: '', kept },
    ...asked.map(number => rowOf(lines, number)),
  ]
}

interface EditedRule {
  readonly rule: Rule
  readonly items: readonly Item[]
}

/** The rules of a stretch that may match a packet which an edited rule is about; those behind one that is there and decides have nothing left of it. */
function askedRules(
  lines: Lines,
  { first, last, edited: texts }: IndexedStretch,
  rules: readonly EditedRule[],
  family: Family,
): readonly number[] {
  const asked = new Set<number>()
  for (const [index, { rule, items }] of rules.entries()) {
    const there = lines.find(texts[index] ?? '', 1).find(number => holds(first, last, number))
    const ends = items.every(item => decides(item) && item.rest.length === 0)
    for (const number of lines.meeting(first, (ends && there) || last, reachOf(rule, family)))
      asked.add(number)
  }
  return [...asked].sort((a, b) => a - b)
}

/** Rules of a chain by their texts, each as if it stood alone. */
function rulesOf({ index }: EditState, { family, table, chain: name }: ChainPlace, texts: readonly string[]) {
  const chains = index.families.find(one => one.family === family)?.chains ?? []
  const own = chains.filter(chain => chain.table === table && chain.name === name)
  const rows = texts.map(text => ({ number: 0, slot: 0, text }))
  const text = saveText(table, family, own, new Map([[name, rows]]))
  const { tables } = parseSave(text, { family, name: 'the rules that were edited' })
  return tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
}

/** Shorter look-ups are read: that is as quick, and they may be others once rules come beside them. */
const LEAST_RULES = 64

/** The long stretches that look-ups hold alone and whole. */
export function heldRules(blocks: readonly IndexedBlock[]): readonly HeldRules[] {
  const held = new Map<string, IndexedBlock[]>()
  for (const block of blocks) {
    // edits have emptied it
    if (block.last < block.first) continue
    const place = `${block.first} ${block.last}`
    held.set(place, [...(held.get(place) ?? []), block])
  }
  const all = [...held.values()].map(together => {
    const [{ first = 0, last = 0 } = {}] = together
    return { first, last, blocks: together }
  })
  const isApart = (one: HeldRules): boolean =>
    all.every(other => other === one || one.last < other.first || other.last < one.first)
  return all.filter(one => one.last - one.first >= LEAST_RULES && holdsAll(one) && isApart(one))
}

/** Whether the look-ups hold all that the rules come to, on both sides of a split. */
function holdsAll({ first, last, blocks }: HeldRules): boolean {
  const [path = []] = blocks.map(block => block.path)
  const sides = new Set(blocks.map(block => block.path[1]))
  return (
    first > 0 &&
    first <= last &&
    blocks.every(block => block.complete && block.path[0] === path[0] && block.path.length === path.length) &&
    (path.length === 1 || (path.length === 3 && sides.size === 2))
  )
}

/** Where numbers stand in a rule. */
const VALUE = /[0-9a-f:.]*\d[0-9a-f:.]*/gi

/** One rule of each kind: the first with its words that counts in its array. */
function standIns({ index }: EditState, lines: Lines, held: HeldRules): Row[] {
  const kinds = new Map<string, Row>()
  for (let number = held.first; number <= held.last; number++) {
    const [slot, text] = [lines.slotOf(number), lines.textOf(number)]
    const kind = `${counterPlace(index, slot).array.name} ${text.replace(VALUE, '#')}`
    if (!kinds.has(kind)) kinds.set(kind, { number, slot, text, held })
  }
  return [...kinds.values()]
}
