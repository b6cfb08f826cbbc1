// Blocks that rules can be put into and taken out of while their program runs: those that are one look-up in a hash map.

import type { Family, TableName } from 'iptables-parser'
import type { FamilyPlan } from '../build.ts'
import { type Block, blocksIn, hasKept, itemsIn } from '../chain.ts'
import type { Action } from '../emit/dispatch.ts'
import type { LookUpUse } from '../emit/frame.ts'
import type { LookUpName } from '../emit/look-up.ts'
import type { FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { Lane } from '../lane.ts'
import type { SetTest } from '../test.ts'
import { type LaneProgram, placeOf } from '../translate.ts'
import { type Dispatch, keyValues } from '../tree/dispatch.ts'
import type { Point } from '../tree/interval.ts'

/** A map that a block is looked up in, and what numbers its values name a counter array and an outcome by. */
export interface EditableMap extends LookUpName {
  readonly actions: LookUpUse['actions']
}

/** Rules of a block that ask for the same values, in order: no packet comes to any but the first. */
export interface Repeated {
  readonly values: readonly Point[]
  readonly rules: readonly { readonly rule: number; readonly kind: Item['outcome']['kind'] }[]
}

/** A block that rules can be looked for in. */
export interface BlockShape {
  /**
   * Where it stands among the blocks of its chain: an index, and inside of a split a side (0 whole, 1 odd) and an index there. Blocks that hold the
   * same rules, in an order that means nothing, stand in one place.
   */
  readonly path: readonly number[]
  /** The rules of the chain that the blocks of this place hold, counted from 1, both included; an edit moves them. */
  readonly first: number
  readonly last: number
  readonly fields: readonly FieldName[]
  readonly common: readonly SetTest[]
  /** All its rules drop what is malformed, uncounted: then their order means nothing. */
  readonly hotdrop: boolean
  /** The blocks of this place that are listed hold all of its rules. */
  readonly complete: boolean
  /** One for each place that the chain's code stands in. */
  readonly maps: readonly EditableMap[]
}

export interface EditableBlock extends BlockShape {
  readonly repeated: readonly Repeated[]
}

/** A chain in a program. */
export interface EditableChain {
  readonly name: string
  readonly blocks: readonly EditableBlock[]
}

/** What of a lane's program a family's rules can be edited in. */
export interface EditableLane {
  readonly lane: Lane
  readonly family: Family
  readonly table: TableName
  /** Of these the prologue measures the transport header. */
  readonly protocols: readonly number[]
  /** All that the program holds. */
  readonly chains: readonly EditableChain[]
}

/** The rules of a chain from one number to another, counted from 1. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** Which numbers in its chain a rule of the table of all rules has: one, or from one to another those that it stands in for. Two functions, since of tens of thousands of rules objects would be felt. */
export interface Numbering {
  readonly first: (rule: number) => number
  readonly last: (rule: number) => number
}

/** What can be edited in a program. */
export function editableLanes(
  { lane, plans, protocols, lookUps }: Pick<LaneProgram, 'lane' | 'plans' | 'protocols' | 'lookUps'>,
  numbering: Numbering,
): EditableLane[] {
  const maps: MapsOf = new Map()
  for (const { dispatch, ...map } of lookUps) addTo(maps, dispatch, map)
  return plans.map(({ family, plan }: FamilyPlan) => ({
    lane,
    family,
    table: placeOf(lane, family).table,
    protocols: [...(protocols.get(family) ?? [])],
    chains: Array.from(plan.chains.values(), ({ name, blocks, isCode }) => ({
      name,
      blocks: isCode ? NO_BLOCKS : editableIn(blocks, [], maps, numbering),
    })),
  }))
}

const NO_BLOCKS: readonly EditableBlock[] = []

/** The maps of look-ups. */
type MapsOf = Map<Dispatch, EditableMap[]>

/** Whether values of the look-up call chains. */
export const isCalling = ({ maps }: Pick<BlockShape, 'maps'>): boolean =>
  maps.some(({ actions }) => [...actions.values()].some(({ called }) => called !== undefined))

function editableIn(
  blocks: readonly Block[],
  path: readonly number[],
  maps: MapsOf,
  numbering: Numbering,
): EditableBlock[] {
  const laidOut = blocks.flatMap(withoutOverlay)
  // most of thousands of chains have none
  if (!laidOut.some(({ kind }) => kind === 'dispatch' || kind === 'split')) return []
  const places = placesOf(laidOut, numbering)
  return places.flatMap(({ range, blocks: together }, index) => {
    const here = [...path, index]
    if (!isApart(places, index)) return []
    const lookUps = new Set(together.filter(block => block.kind === 'dispatch' && !isMixed(block, maps)))
    const complete = lookUps.size === together.length
    return together.flatMap(block => {
      if (block.kind === 'split')
        return [
          ...editableIn(block.whole, [...here, 0], maps, numbering),
          ...editableIn(block.odd, [...here, 1], maps, numbering),
        ]
      if (block.kind !== 'dispatch' || !range || !lookUps.has(block)) return []
      const { fields, common } = block
      const own = maps.get(block) ?? []
      const found = { maps: own, repeated: isCalling({ maps: own }) ? [] : repeatedIn(block) }
      return [{ path: here, ...range, fields, common, hotdrop: isHotdrop(block), complete, ...found }]
    })
  })
}

/** Look-ups stand where they stood before rules were laid over them, or put in between. */
function withoutOverlay(block: Block): readonly Block[] {
  const goesOn = (block.kind === 'overlaid' || block.kind === 'parted') && !hasKept(block)
  return goesOn ? block.under.flatMap(withoutOverlay) : [block]
}

/** Blocks of a chain that hold the same rules. */
interface BlockPlace {
  readonly range: Range | undefined
  readonly blocks: readonly Block[]
}

/** Look-ups for the same fields may alternate, and those that drop what is malformed come in any order. */
function placesOf(blocks: readonly Block[], numbering: Numbering): BlockPlace[] {
  const places: BlockPlace[] = []
  for (const block of blocks) {
    const range = rangeIn(block, numbering)
    const before = places.at(-1)
    if (before && overlap(before.range, range) && before.blocks.every(other => canAlternate(other, block))) {
      places.pop()
      places.push({ range: hull(before.range, range), blocks: [...before.blocks, block] })
    } else places.push({ range, blocks: [block] })
  }
  return places
}

const overlap = (a: Range | undefined, b: Range | undefined): boolean =>
  a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last

const hull = (a: Range | undefined, b: Range | undefined): Range | undefined =>
  a && b ? { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) } : (a ?? b)

const canAlternate = (a: Block, b: Block): boolean =>
  (isHotdrop(a) && isHotdrop(b)) ||
  (a.kind === 'dispatch' && b.kind === 'dispatch' && a.fields.join() === b.fields.join())

function repeatedIn({ fields, cases, shadowed }: Dispatch): Repeated[] {
  const keyOf = (item: Item): string => keyValues(item, fields).join()
  const keys = new Set(shadowed.map(keyOf))
  const repeated = new Map<string, Item[]>()
  for (const one of keys.size > 0 ? [...cases, ...shadowed] : []) {
    const key = keyOf(one)
    if (keys.has(key)) addTo(repeated, key, one)
  }
  return [...repeated.values()].map(same => ({
    values: same[0] ? keyValues(same[0], fields) : [],
    rules: same.map(({ rule, outcome }) => ({ rule, kind: outcome.kind })),
  }))
}

function addTo<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}

function rangeIn(block: Block, numbering: Numbering): Range | undefined {
  let [first, last, before] = [Number.POSITIVE_INFINITY, 0, -1]
  for (const items of allLists(block))
    for (let at = 0; at < items.length; at++) {
      const { rule } = items[at] as Item
      if (rule === before) continue
      const from = numbering.first(rule)
      const to = numbering.last(rule)
      if (from < first) first = from
      if (to > last) last = to
      before = rule
    }
  return last === 0 ? undefined : { first, last }
}

/** With those that no packet comes to. */
export const allItems = (block: Block): readonly Item[] => allLists(block).flat()

const allLists = (block: Block): readonly (readonly Item[])[] =>
  blocksIn(block).map(one => (one.kind === 'dispatch' ? allCases(one) : itemsIn(one)))

const allCases = ({ cases, shadowed }: Dispatch): readonly Item[] =>
  shadowed.length === 0 ? cases : [...cases, ...shadowed]

/** No rule of the block stands in the one before or behind it too, as one with questions of different kinds may. */
function isApart(places: readonly BlockPlace[], index: number): boolean {
  const { first = 0, last = 0 } = places[index]?.range ?? {}
  const before = places[index - 1]?.range?.last ?? 0
  const behind = places[index + 1]?.range?.first ?? Number.POSITIVE_INFINITY
  return before < first && last < behind
}

export const isHotdrop = (block: Block): boolean =>
  block.kind === 'dispatch' && allCases(block).every(({ outcome }) => outcome.kind === 'hotdrop')

/** Of such a block the map does not tell which of the rules for the same values is met, or chains are called that are not in functions. */
function isMixed(block: Dispatch, maps: MapsOf): boolean {
  const outcomes = outcomesOf(allCases(block))
  const kinds = new Set(outcomes.map(({ kind }) => kind))
  if (kinds.has('hotdrop') && kinds.size > 1) return true
  if (!outcomes.some(outcome => 'chain' in outcome)) return false
  const own = maps.get(block) ?? []
  return !isCalling({ maps: own }) || own.some(({ actions }) => [...actions.values()].some(isInPlace))
}

/** All there are, some more than once: most rules of a look-up have one together. */
function outcomesOf(items: readonly Item[]): readonly Item['outcome'][] {
  const outcomes: Item['outcome'][] = []
  let before: Item['outcome'] | undefined
  for (let at = 0; at < items.length; at++) {
    const outcome = items[at]?.outcome
    if (outcome && outcome !== before) outcomes.push(outcome)
    before = outcome
  }
  return outcomes
}

const isInPlace = ({ called }: Action): boolean => called !== undefined && 'inPlace' in called
