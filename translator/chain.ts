// Chains cut into blocks, each with the strategy that suits it; which that is, cost.ts says.
//
//   always     a rule that every packet matches and that goes on afterwards (plain counting, or a call of another chain): inside a tree
//              it would stand in every leaf
//   dispatch   a long run of rules of one shape for exact values: one look-up
//   tree       everything else; where it is small the tree is one leaf, whose rules are asked in turn
//   separated  several trees, each for rules that are alike, of which the answer of the first rule counts
//   mapped     the same, in a map
//   split      rules that look into the transport header, apart for packets that have all of it and for the few that do not: only of
//              these rules can find a packet malformed, and those questions would stand between the others

import type { Family } from 'iptables-parser'
import { MOST_SLOTS } from './cost.ts'
import type { FieldName } from './field.ts'
import type { Item } from './item.ts'
import { blocksOfRun } from './run.ts'
import { leafOf } from './tree/build.ts'
import { type Dispatch, LEAST_DISPATCH } from './tree/dispatch.ts'
import { cutFields, leavesOf, mapLeaves, type Node } from './tree/node.ts'
import type { SeparateTree } from './tree/separate.ts'
import type { Space } from './tree/space.ts'

export type Block =
  | { readonly kind: 'always'; readonly item: Item }
  | { readonly kind: 'tree'; readonly root: Node; readonly items: number }
  | { readonly kind: 'split'; readonly whole: readonly Block[]; readonly odd: readonly Block[] }
  | SeparatedBlock
  | Dispatch

/** Trees whose rules all decide. */
export interface SeparatedBlock {
  /** Where the trees are: in code, or in a map. */
  readonly kind: 'separated' | 'mapped'
  readonly space: Space
  readonly trees: readonly SeparateTree[]
}

export interface Strategies {
  /** The shortest run of rules that becomes a look-up. Infinity for none: an object file cannot hold a hash map's contents. */
  readonly leastDispatch: number
  /** Whether look-ups are made where trees would be cheaper, or never. */
  readonly dispatch: Choice
  /** Rules, by their index among all that counts, that make a look-up of their run however short it is: more like them are likely to come. */
  readonly edited: ReadonlySet<number>
  /** As many candidates as may be asked in turn; more are told apart by a tree. */
  readonly linear: number
  /** The shortest run for which anything but one tree in code is thought of. */
  readonly leastSeparated: number
  /** Whether rules are separated into several trees where one would do (`always`), where it would not, or never: then they are halved. */
  readonly separate: Choice
  /** Whether trees stand in a map where code would do. */
  readonly map: Choice
  /** Slots that trees may have as code. */
  readonly mostSlots: number
}

/** `cheapest` leaves it to the cost model. */
export const choices = ['cheapest', 'always', 'never'] as const
export type Choice = (typeof choices)[number]

export const defaultStrategies: Strategies = {
  leastDispatch: LEAST_DISPATCH,
  dispatch: 'cheapest',
  edited: new Set(),
  linear: 3,
  leastSeparated: 64,
  separate: 'cheapest',
  map: 'cheapest',
  mostSlots: MOST_SLOTS,
}

export function blocksOf(items: readonly Item[], family: Family, strategies: Strategies): Block[] {
  const blocks: Block[] = []
  let run: Item[] = []
  const flush = (): void => {
    if (run.length > 0) blocks.push(...blocksOfRun(run, family, strategies))
    run = []
  }
  for (const item of items) {
    if (isAlways(item)) {
      flush()
      blocks.push({ kind: 'always', item })
    } else run.push(item)
  }
  flush()
  return blocks
}

const isAlways = ({ sets, rest, outcome }: Item): boolean =>
  sets.size === 0 && rest.length === 0 && (outcome.kind === 'continue' || outcome.kind === 'jump')

/** The trees of a block, with what is asked in their leaves. */
export const treesIn = ({ space, trees }: SeparatedBlock): Node[] =>
  trees.map(({ root }) => mapLeaves(root, ({ candidates, box }) => leafOf(space, candidates, box)))

/** The items of a block, each once. */
export function itemsIn(block: Block): readonly Item[] {
  if (block.kind === 'always') return [block.item]
  if (block.kind === 'dispatch') return block.cases
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(itemsIn)
  return block.kind === 'tree' ? leafItems(block.root) : block.space.items
}

function leafItems(root: Node): readonly Item[] {
  const items = new Set<Item>()
  for (const { candidates } of leavesOf(root)) for (const { item } of candidates) items.add(item)
  return [...items]
}

/** The fields that trees are cut along. Some are asked by none of their items: a rule that all leaves turn out to shadow may have been the reason for a cut. */
export function cutsIn(block: Block): readonly FieldName[] {
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(cutsIn)
  if (block.kind === 'tree') return [...cutFields(block.root)]
  return 'space' in block ? block.space.axes.map(({ field }) => field) : []
}
