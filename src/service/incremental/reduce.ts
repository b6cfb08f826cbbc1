// The rules of a program in force without those that its look-ups, its trees in maps and functions that chains stand in hold, but for a few that stand in for them: of a look-up a rule of each
// kind, and of trees one that asks nothing, with the rules behind it that have to be asked in their place (translator/edit/overlay.ts).

import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import type { CounterArray } from '../../../translator/counter.ts'
import { isCalling } from '../../../translator/edit/block.ts'
import type { ChainCode, HeldCode } from '../../../translator/edit/chain-code.ts'
import { walksKept } from '../../../translator/edit/kept.ts'
import type { KeptRun } from '../../../translator/edit/overlay.ts'
import type { Between } from '../../../translator/edit/parted.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import { laneName } from '../../../translator/lane.ts'
import { baseChains, type IndexedChain } from './chain-table.ts'
import { endingIn } from './ending.ts'
import { editedIn, type HeldRules, heldRules } from './held.ts'
import type { IndexedBlock, IndexedLane, IndexedStretch } from './index-file.ts'
import { editedRules, saveText } from './items.ts'
import { kindOf } from './kind.ts'
import type { Lines } from './lines.ts'
import { partsOf } from './parts.ts'
import { calledIn } from './request.ts'
import { type StaleChains, tableKey } from './stale.ts'
import type { ChainPlace, EditState } from './state.ts'

export interface Reduced {
  readonly rulesets: readonly Ruleset[]
  /** Of all that counts, in the order of countedRules: where. */
  readonly slots: readonly number[]
  /** And its number in its chain; 0 is the policy. */
  readonly numbers: readonly number[]
  /** And its text. */
  readonly texts: readonly string[]
  /** What stands in for more than itself, by index among all that counts. */
  readonly standIns: ReadonlyMap<number, HeldRules>
  /** What stands in for trees, by index among all that counts. */
  readonly kept: ReadonlyMap<number, KeptRun>
  /** The functions that go on, and the chains that are called in them. */
  readonly held?: HeldCode
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

/** What a program is reduced for. */
export interface Wanted {
  /** A lane's name. */
  readonly lane: string
  readonly stale: StaleChains
  /** Where more rules would have to be read, all may be. */
  readonly most: number
}

/** The rules for the program of a lane; undefined where they are too many, or some of its look-ups cannot be told apart from the rules around them. */
export function reduceFor(state: EditState, { lane, stale, most }: Wanted): Reduced | undefined {
  const rulesets: Ruleset[] = []
  const rows: Row[] = []
  const held = new Map<Family, ChainCode>()
  for (const [at, indexed] of state.index.lanes.entries()) {
    if (laneName(indexed.lane) !== lane) continue
    const code = heldCode(indexed, stale.get(tableKey(indexed)) ?? new Set())
    if (code) held.set(indexed.family, code)
    const reduced = reduceFamily(state, at, code, most)
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
    texts: rows.map(({ text }) => text),
    standIns: new Map(standIns),
    kept: new Map(
      trees.map(([index, { stretch, standIns, ...changed }]) => [
        index,
        { under: stretch?.blocks ?? { standIns }, ...changed },
      ]),
    ),
    ...(held.size > 0 && { held }),
  }
}

/** The functions of a program in force, of whose chains those are left that are not stale. */
function heldCode({ code }: IndexedLane, stale: ReadonlySet<string>): ChainCode | undefined {
  if (!code) return undefined
  const [entries, inPlace] = [new Map(code.entries), new Set(code.inPlace)]
  for (const chain of stale) {
    entries.delete(chain)
    inPlace.delete(chain)
  }
  return { ...code, entries, inPlace }
}

/** Of which the name is not changed by printing it, nor taken for the end of another. */
const isPlainName = (name: string): boolean => /^[\w.:+-]+$/.test(name)

function reduceFamily(
  state: EditState,
  at: number,
  held: ChainCode | undefined,
  most: number,
): { ruleset: Ruleset; rows: Row[] } | undefined {
  const { family = 4, table = 'filter' } = state.index.lanes[at] ?? {}
  const bases = state.index.families
    .flatMap(one => (one.family === family ? baseChains(one.chains) : []))
    .filter(base => base.table === table)
  const called = new Set<string>()
  /** What rules name that is no chain. */
  const others = new Set<string>()
  const named = new Map(bases.map(chain => [chain.name, chain]))
  const reduced = new Map<string, Row[]>(bases.map(({ name }) => [name, []]))
  const pending = bases.filter(({ name }) => state.blocks(at, { family, table, chain: name }) !== undefined)
  let read = 0
  for (let chain = pending.pop(); chain; chain = pending.pop()) {
    const rows = isPlainName(chain.name) ? rowsOf(state, at, chain, family, held) : undefined
    if (!rows || rows.some(({ text }) => text.includes('\0'))) return undefined
    read += rows.length
    if (read > most) return undefined
    reduced.set(chain.name, rows)
    for (const { text } of rows) {
      const name = calledIn(text) ?? ''
      if (called.has(name) || reduced.has(name) || others.has(name)) continue
      const next = state.chain({ family, table, chain: name })
      if (!next) {
        others.add(name)
        continue
      }
      named.set(name, next)
      if (held?.entries.has(name)) called.add(name)
      else {
        reduced.set(name, [])
        pending.push(next)
      }
    }
  }
  const chains = [...named.values()].sort((a, b) => a.at - b.at)
  const texts = new Map([...reduced].map(([name, rows]) => [name, rows.map(({ text }) => text)]))
  const ruleset = parseSave(saveText(table, family, chains, texts), { family, name: 'the rules in force' })
  const rows: Row[] = []
  for (const { name, policy, rules } of ruleset.tables.flatMap(one => one.chains)) {
    const own = reduced.get(name) ?? []
    const slot = named.get(name)?.policy?.slot
    if (own.length !== rules.length || (policy === undefined) !== (slot === undefined)) return undefined
    if (slot !== undefined) rows.push({ number: 0, slot, text: '' })
    rows.push(...own)
  }
  return { ruleset, rows }
}

/** The rules of a chain, all of them where the program did not hold it. */
function rowsOf(
  state: EditState,
  at: number,
  { table, name }: IndexedChain,
  family: Family,
  code: ChainCode | undefined,
): Row[] | undefined {
  const place = { family, table, chain: name }
  const [lines, blocks = []] = [state.lines(place), state.blocks(at, place)]
  if (!lines) return undefined
  const held = heldRules(blocks).filter(({ blocks }) => blocks.every(block => callsHeld(block, code)))
  const stretches = state.stretches(at, place)
  const rows: Row[] = []
  const last = endingIn(state, at, place, lines) ?? lines.count
  for (let number = 1; number <= last; number++) {
    const found = held.find(({ first, last }) => holds(first, last, number))
    const stretch = stretches.find(({ first, last }) => holds(first, last, number))
    const part = found
      ? heldRows(state, at, place, lines, found, code)
      : stretch
        ? stretchRows(state, at, place, lines, stretch, code)
        : [rowOf(lines, number)]
    if (!part) return undefined
    rows.push(...part)
    number = (found ?? stretch)?.last ?? number
  }
  return rows
}

/** What stands in for trees, or where these cannot go on and are short all their rules. */
function stretchRows(
  state: EditState,
  at: number,
  place: ChainPlace,
  lines: Lines,
  stretch: IndexedStretch,
  code: ChainCode | undefined,
): Row[] | undefined {
  const walks = walksKept(stretch.blocks)
  if (walks.length === 0) return keptRows(state, at, place, lines, stretch)
  const { first, last } = stretch
  const all = last - first + 1
  const isThere = walks.every(({ walk }) => code?.functions.some(({ name }) => name === walk))
  const kept = isThere ? keptRows(state, at, place, lines, stretch) : undefined
  // all trees are made as soon as half of them
  if (kept && 2 * kept.length <= all) return kept
  return Array.from({ length: all }, (_, index) => rowOf(lines, first + index))
}

/** Whether all that the values of a look-up call goes on. */
const callsHeld = ({ maps }: IndexedBlock, code: ChainCode | undefined): boolean =>
  maps.every(({ actions }) =>
    [...actions.values()].every(
      ({ called }) =>
        !called || ('function' in called && code?.functions.some(({ name }) => name === called.function)),
    ),
  )

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
  code: ChainCode | undefined,
): Row[] | undefined {
  const edited = editedIn(held)
  const standing = standIns(state, lines, held, { unknown: new Set(edited.map(({ rule }) => rule)), code })
  const { first, last, blocks } = held
  const isPlaced = blocks.every(block => !block.displaced && !block.counting && !isCalling(block))
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
  // a walk from which packets go on yields more than one answer
  const canPart = 'isPlaced' in changed ? changed.isPlaced : walksKept(changed.blocks).length === 0
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
  { unknown, code }: { readonly unknown: ReadonlySet<string>; readonly code: ChainCode | undefined },
): Row[] {
  const known = stoodIn(lines, held, unknown)
  if (known) return inOrderOfCalls(known, held, arrays, code)
  const rows: Row[] = []
  const ends = endsOf(arrays)
  const kinds = new Set<number>()
  const functions = held.blocks.some(isCalling) ? functionNumbers(code) : undefined
  lines.visit(held.first, held.last, (number, slot, bytes, from, end) => {
    let array = 0
    while (slot >= (ends[array] ?? Number.POSITIVE_INFINITY)) array++
    const kind = callKind(bytes, from, end, functions) * ends.length + array
    if (kinds.has(kind)) return
    const text = lines.textOf(number)
    if (unknown.has(text)) return
    kinds.add(kind)
    rows.push({ number, slot, text, held })
  })
  return inOrderOfCalls(rows, held, arrays, code)
}

/** Functions are numbered in the order in which rules call them, so those that the look-up calls are called in the order of its numbers. */
function inOrderOfCalls(
  rows: readonly Row[],
  { blocks: [block] }: HeldRules,
  arrays: readonly CounterArray[],
  code: ChainCode | undefined,
): Row[] {
  const actions = [...(block?.maps[0]?.actions ?? [])]
  const ends = endsOf(arrays)
  const numberOf = ({ slot, text }: Row): number => {
    const array = arrays[ends.findIndex(end => slot < end)]?.name
    const name = code?.entries.get(calledIn(text) ?? '')?.function
    const kind = text.includes(' -g ') ? 'goto' : 'jump'
    const [number] =
      actions.find(
        ([, { array: own, kind: does, called }]) =>
          called && 'function' in called && called.function === name && own === array && does === kind,
      ) ?? []
    return number ?? -1
  }
  return rows
    .map(row => ({ row, number: numberOf(row) }))
    .sort((a, b) => a.number - b.number)
    .map(({ row }) => row)
}

/** The rules that stood in before; undefined where not all of them can, or look-ups know rules that they did not know then, and that have not gone since. */
function stoodIn(lines: Lines, held: HeldRules, unknown: ReadonlySet<string>): Row[] | undefined {
  const [{ standing } = {}] = held.blocks
  const isNew = (rule: string): boolean => !unknown.has(rule) && lines.find(rule, 1).length > 0
  if (!standing || standing.unknown.some(isNew)) return undefined
  const rows = standing.rules.flatMap(({ slot, rule }): Row[] => {
    const number = lines.numberOf(slot)
    const isThere = number !== undefined && holds(held.first, held.last, number)
    return isThere && !unknown.has(rule) && lines.textOf(number) === rule
      ? [{ number, slot, text: rule, held }]
      : []
  })
  return rows.length === standing.rules.length ? rows : undefined
}

/** Of each chain that goes on in a function, a number that stands for the function. */
function functionNumbers(code: ChainCode | undefined): (chain: string) => number | undefined {
  const numbers = new Map(code?.functions.map(({ name }, number) => [name, number]))
  return chain => numbers.get(code?.entries.get(chain)?.function ?? '')
}

const SPACE = 32

/** The kind of a rule (kind.ts); of one that leads to a chain in a function, as if it led to the function. */
function callKind(
  bytes: Uint8Array,
  from: number,
  end: number,
  functions: ((chain: string) => number | undefined) | undefined,
): number {
  if (!functions) return kindOf(bytes, from, end)
  let last = end
  while (last > from && bytes[last - 1] !== SPACE) last--
  const called = functions(Buffer.from(bytes.buffer, bytes.byteOffset + last, end - last).toString())
  return called === undefined ? kindOf(bytes, from, end) : kindOf(bytes, from, last) + 2 ** 32 * (called + 1)
}

/** Of each counter array, the first slot behind it. */
function endsOf(arrays: readonly CounterArray[]): readonly number[] {
  let slot = 0
  return arrays.map(({ entries }) => {
    slot += entries
    return slot
  })
}
