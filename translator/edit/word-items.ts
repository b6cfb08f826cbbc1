// Rules as the boxes that trees in a map have of them (tree/word-tree.ts).

import type { Family } from 'iptables-parser'
import type { KeptTrees } from '../chain.ts'
import { type CounterArray, counterPlace } from '../counter.ts'
import type { Action } from '../emit/answer.ts'
import { COUNTER_BITS, MOST_ACTIONS } from '../emit/answer.ts'
import { domain, type FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import type { Item } from '../item.ts'
import type { IntervalSet } from '../tree/interval.ts'
import { LAST, type Range, type Word, wideRanges } from '../tree/word-box.ts'
import { boxesAt, everywhere, quadsOf, type Trees, type WordBox, type WordRanges } from '../tree/word-tree.ts'

/** A box that has no position yet. */
export type Unplaced = Omit<WordBox, 'position'>

/** A rule that asks for more boxes is none for trees in a map. */
const MOST_BOXES = 32

/** The boxes of an item; undefined where trees with these words cannot say it. */
export function rangesOfItem(
  { sets, rest }: Item,
  words: readonly Word[],
  family: Family,
): WordRanges[] | undefined {
  if (rest.length > 0) return undefined
  let all: WordRanges[] = [everywhere({ words })]
  for (const [field, set] of FieldSets.of(sets)) {
    const word = words.findIndex(one => one.field === field)
    if (word < 0) return undefined
    const parts = partsOf(field, set, word, words[word + 1]?.half === 1, family)
    all = all.flatMap(ranges => parts.map(part => withRanges(ranges, part)))
    if (all.length > MOST_BOXES) return undefined
  }
  return all
}

/** For each interval of a field the ranges of its words. */
function partsOf(
  field: FieldName,
  set: IntervalSet,
  word: number,
  isHalved: boolean,
  family: Family,
): readonly (readonly Range[])[] {
  const behind = domain(field, family).end
  return set.flatMap(({ low, end }): readonly (readonly Range[])[] => {
    const last = end < behind ? end : behind
    if (low >= last) return []
    if (isHalved) return wideRanges(word, BigInt(low), BigInt(last) - 1n)
    return [[{ word, low, high: typeof last === 'bigint' ? last - 1n : last - 1 }]]
  })
}

const withRanges = (ranges: WordRanges, part: readonly Range[]): WordRanges =>
  part.reduce((all, { word, low, high }) => all.with(word, { low, high }), ranges)

/** For each action the first slot of the array that answers with it count in, and 0 where they hold a slot. */
export const firstSlotsOf = (actions: readonly Action[], arrays: readonly CounterArray[]): Float64Array =>
  Float64Array.from(actions, ({ array }) => {
    const at = arrays.findIndex(({ name }) => name === array)
    return arrays.slice(0, Math.max(0, at)).reduce((sum, { entries }) => sum + entries, 0)
  })

/** Where the boxes of rules stand. */
export interface Positions {
  /** Of each rule the least; 0x7fffffff where it has no box. */
  readonly least: Int32Array
  /** And the greatest; -1 where it has none. */
  readonly most: Int32Array
}

/**
 * The positions of the boxes of so many rules, as often as they are in leaves, also in those that were made anew. `rules` says for each slot which rule counts in it, and -1 where none of them does.
 * It is one loop, since V8 has not optimized a function yet that is called ten thousand times.
 */
export function positionsOf(
  { layout, bytes }: Trees,
  rules: Int32Array,
  count: number,
  firstSlots: Float64Array,
): Positions {
  const [least, most] = [new Int32Array(count).fill(NONE), new Int32Array(count).fill(-1)]
  const quads = quadsOf({ bytes })
  const { size, answer, position } = layout.box
  const toAnswer = (answer - position) >> 2
  for (let at = (boxesAt(layout) + position) >> 2; at <= (layout.lastBox + position) >> 2; at += size >> 2) {
    const said = quads[at + toAnswer] ?? 0
    const rule = rules[(firstSlots[said >>> COUNTER_BITS] ?? 0) + (said & COUNTER_MASK)] ?? -1
    if (rule < 0) continue
    const place = (quads[at] ?? 0) & (LAST - 1)
    if (place < (least[rule] ?? 0)) least[rule] = place
    if (place > (most[rule] ?? 0)) most[rule] = place
  }
  return { least, most }
}

const NONE = 0x7fff_ffff
const COUNTER_MASK = 2 ** COUNTER_BITS - 1

/** All answers that name a slot. */
export const answersNaming = (slot: number, firstSlots: Float64Array): ReadonlySet<number> =>
  new Set(
    Array.from(firstSlots, (first, action) => [action * 2 ** COUNTER_BITS, slot - first] as const).flatMap(
      ([said, index]) => (index >= 0 && index < 2 ** COUNTER_BITS ? [said + index] : []),
    ),
  )

/** The boxes of a rule's items, with answers that count in its slot, and the actions with those that they name; undefined where they cannot be said. */
export function boxesOfItems(
  items: readonly Item[],
  slot: number,
  { layout, actions }: Pick<KeptTrees, 'layout' | 'actions'>,
  { family, arrays }: { readonly family: Family; readonly arrays: readonly CounterArray[] },
): { readonly boxes: readonly (readonly Unplaced[])[]; readonly actions: readonly Action[] } | undefined {
  const known = [...actions]
  const boxes: Unplaced[][] = []
  for (const item of items) {
    const answer = answerOf(item, slot, known, arrays)
    const ranges = rangesOfItem(item, layout.words, family)
    if (answer === undefined || !ranges) return undefined
    boxes.push(ranges.map(each => ({ ranges: each, answer })))
  }
  return { boxes, actions: known }
}

function answerOf(
  { outcome }: Item,
  slot: number,
  actions: Action[],
  arrays: readonly CounterArray[],
): number | undefined {
  const { kind } = outcome
  const isUncounted = kind === 'hotdrop'
  if (!isUncounted && kind !== 'accept' && kind !== 'drop' && kind !== 'return') return undefined
  const place = counterPlace({ arrays }, slot)
  const [array, index] = isUncounted ? ['', slot] : [place.array.name, place.index]
  let number = actions.findIndex(one => one.array === array && one.outcome.kind === kind)
  if (number < 0) number = actions.push({ array, outcome }) - 1
  return number < MOST_ACTIONS && index < 2 ** COUNTER_BITS ? number * 2 ** COUNTER_BITS + index : undefined
}
