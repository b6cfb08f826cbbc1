// The rules of a program in force without those that its look-ups hold, but for a few that stand in for them.

import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import { counterPlace } from '../../../translator/counter.ts'
import type { Held } from '../../../translator/edit/stand-in.ts'
import { laneName } from '../../../translator/lane.ts'
import type { IndexedBlock, IndexedChain } from './index-file.ts'
import type { Lines } from './lines.ts'
import { linePrefix } from './request.ts'
import type { EditState } from './state.ts'

export type HeldRules = Held<IndexedBlock>

export interface Reduced {
  readonly rulesets: readonly Ruleset[]
  /** Of all that counts, in the order of countedRules: where. */
  readonly slots: readonly number[]
  /** And its number in its chain; 0 is the policy. */
  readonly numbers: readonly number[]
  /** What stands in for more than itself, by index among all that counts. */
  readonly standIns: ReadonlyMap<number, HeldRules>
  /** How many rules are held by look-ups. */
  readonly held: number
}

/** One that counts. */
interface Row {
  readonly number: number
  readonly slot: number
  readonly text: string
  readonly held?: HeldRules
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
  const all = new Set(standIns.map(([, held]) => held))
  return {
    rulesets,
    slots: rows.map(({ slot }) => slot),
    numbers: rows.map(({ number }) => number),
    standIns: new Map(standIns),
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
  if (!held) return undefined
  const rows: Row[] = []
  for (let number = 1; number <= lines.count; number++) {
    const found = held.find(({ first, last }) => first <= number && number <= last)
    if (found) {
      rows.push(...standIns(state, lines, found))
      number = found.last
    } else rows.push({ number, slot: lines.slotOf(number), text: lines.textOf(number) })
  }
  return rows
}

/** The stretches that look-ups hold; undefined where one of them holds a part of another's rules. */
export function heldRules(blocks: readonly IndexedBlock[]): readonly HeldRules[] | undefined {
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
  const apart = all.every((one, at) =>
    all.every((other, index) => index === at || one.last < other.first || other.last < one.first),
  )
  return apart && all.every(holdsAll) ? all : undefined
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
