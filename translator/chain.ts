// Chains cut into blocks, each with the strategy that suits it; which that is, cost.ts says.
//
//   always     a rule that every packet matches and that goes on afterwards (plain counting, or a call of another chain): inside a tree
//              it would stand in every leaf
//   dispatch   a long run of rules of one shape for exact values: one look-up
//   tree       everything else; where it is small the tree is one leaf, whose rules are asked in turn
//   separated  several trees, each for rules that are alike, of which the answer of the first rule counts
//   mapped     the same, in a map
//   kept       trees in a map that another program made; which rules they hold is not known here
//   walked     the same of trees that share a map with others, by the function that walks these
//   overlaid   blocks made before, and over them what has changed since in the rules that they hold
//   parted     blocks made before, and rules that were put in between theirs since (edit/parted.ts)
//   split      rules that look into the transport header, apart for packets that have all of it and for the few that do not: only of
//              these rules can find a packet malformed, and those questions would stand between the others

import type { Family } from 'iptables-parser'
import { LARGE, MOST_SLOTS, OWN_MAPS } from './cost.ts'
import { type KeptRun, overlaid, withKept } from './edit/overlay.ts'
import type { Ranks } from './edit/parted.ts'
import type { Action } from './emit/answer.ts'
import type { FieldName } from './field.ts'
import { asksNothing, type Item, isFinal } from './item.ts'
import { blocksOfRun } from './run.ts'
import { withTests } from './tree/build.ts'
import { type Dispatch, LEAST_DISPATCH } from './tree/dispatch.ts'
import type { TreeLayout } from './tree/map.ts'
import { cutFields, leavesOf, type Node } from './tree/node.ts'
import type { SeparateTree } from './tree/separate.ts'
import type { Space } from './tree/space.ts'
import { trimmed } from './trimmed.ts'

export type Block =
  | { readonly kind: 'always'; readonly item: Item }
  | { readonly kind: 'tree'; readonly root: Node; readonly items: number }
  | { readonly kind: 'split'; readonly whole: readonly Block[]; readonly odd: readonly Block[] }
  | SeparatedBlock
  | Dispatch
  | KeptTrees
  | KeptWalk
  | OverlaidBlock
  | PartedBlock

/** Trees whose rules all decide, or in a map that is shared some that packets go on from. */
export interface SeparatedBlock {
  /** Where the trees are: in code, or in a map. */
  readonly kind: 'separated' | 'mapped'
  readonly space: Space
  readonly trees: readonly SeparateTree[]
}

/** Trees that are in a map already: plain data, so that it can be written down. */
export interface KeptTrees {
  readonly kind: 'kept'
  /** The map, by the name it had in the program that made it. */
  readonly map: string
  readonly layout: TreeLayout
  /** What its answers say, by their numbers. */
  readonly actions: readonly Action[]
  readonly fields: readonly FieldName[]
  /** Whose transport headers its rules look into. */
  readonly protocols: readonly number[]
  /** Where they are to be in another map: what that holds (edit/amend.ts). */
  readonly bytes?: Uint8Array
}

/**
 * A walk of trees that share a map with others, in a program that goes on with the function which walks these (edit/chain-code.ts) and so with all that it
 * needs: plain data.
 */
export interface KeptWalk {
  readonly kind: 'walked'
  /** The function, by its name. */
  readonly walk: string
  /** Where in the map the roots of the trees are, one behind the other. */
  readonly root: number
  readonly trees: number
  /** From how many of the rules packets go on. */
  readonly goingOn: number
  readonly actions: readonly Action[]
}

/** Packets that `over` says nothing about come to `under`. */
export interface OverlaidBlock {
  readonly kind: 'overlaid'
  readonly over: readonly Block[]
  readonly under: readonly Block[]
}

/** What of `under` a packet meets is asked for first: it decides how many of `between` come before that. */
export interface PartedBlock {
  readonly kind: 'parted'
  /** Rules that stand in one place, place after place. */
  readonly between: readonly (readonly Block[])[]
  readonly under: readonly Block[]
  readonly ranks: Ranks
}

export interface Strategies {
  /** The shortest run of rules that becomes a look-up. Infinity for none: an object file cannot hold a hash map's contents. */
  readonly leastDispatch: number
  /** Whether look-ups are made where trees would be cheaper, or never. */
  readonly dispatch: Choice
  /** Rules, by their index among all that counts, that make a look-up of their run however short it is: more like them are likely to come. */
  readonly edited: ReadonlySet<number>
  /** What stands in the place of rules, by their index among all that counts. */
  readonly kept: ReadonlyMap<number, KeptRun>
  /** As many candidates as may be asked in turn; more are told apart by a tree. */
  readonly linear: number
  /** From so many rules on trees are made for a map, and those for packets with a whole transport header apart from those for others. */
  readonly large: number
  /** As `linear`, for those: a box more costs a packet as much as a few branches, and the trees are half as large. */
  readonly linearInLarge: number
  /** The shortest run for which anything but one tree in code is thought of. */
  readonly leastSeparated: number
  /** Whether rules are separated into several trees where one would do (`always`), where it would not, or never: then they are halved. */
  readonly separate: Choice
  /** Whether trees stand in a map where code would do. */
  readonly map: Choice
  /** Slots that trees may have as code. */
  readonly mostSlots: number
  /** Whether trees in a map may hold rules that packets go on from. */
  readonly goingOn: boolean
  /** As many runs of a program as have maps of their own for their trees; of more, the shorter runs share one. */
  readonly ownMaps: number
}

/** `cheapest` leaves it to the cost model. */
export const choices = ['cheapest', 'always', 'never'] as const
export type Choice = (typeof choices)[number]

export const defaultStrategies: Strategies = {
  leastDispatch: LEAST_DISPATCH,
  dispatch: 'cheapest',
  edited: new Set(),
  kept: new Map(),
  linear: 3,
  large: LARGE,
  linearInLarge: 8,
  leastSeparated: 64,
  separate: 'cheapest',
  map: 'cheapest',
  mostSlots: MOST_SLOTS,
  goingOn: false,
  ownMaps: OWN_MAPS,
}

export function blocksOf(items: readonly Item[], family: Family, strategies: Strategies): readonly Block[] {
  if (strategies.kept.size === 0 && !items.some(isAlways))
    return items.length === 0 ? [] : blocksOfRun(items, family, strategies)
  const blocks: Block[] = []
  const parts = withKept(items, strategies.kept)
  let start = 0
  const flush = (end: number): void => {
    // what stands between two flushes is items
    const run = parts.slice(start, end) as readonly Item[]
    if (run.length > 0) blocks.push(...blocksOfRun(run, family, strategies))
    start = end + 1
  }
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as (typeof parts)[number]
    if ('run' in part) {
      flush(at)
      blocks.push(...overlaid(part, family, strategies))
    } else if (isAlways(part)) {
      flush(at)
      blocks.push({ kind: 'always', item: part })
    }
  }
  flush(parts.length)
  return trimmed(blocks)
}

const isAlways = (item: Item): boolean => asksNothing(item) && !isFinal(item)

export type CodeBlock = Extract<Block, { kind: 'tree' | 'always' }>

/** Whether it is code, and no more than one function of it: so are most of thousands of chains. */
export const isCode = (block: Block): block is CodeBlock => block.kind === 'tree' || block.kind === 'always'

/** The trees of a block, with what is asked in their leaves. */
export const treesIn = ({ space, trees }: SeparatedBlock): Node[] =>
  trees.map(({ root }) => withTests(root, space))

/** A block that is not made of others. */
export type PlainBlock = Exclude<Block, { kind: 'split' | 'overlaid' | 'parted' }>

/** A block, or those it is made of. */
export const blocksIn = (block: Block): readonly PlainBlock[] => {
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(blocksIn)
  if (block.kind === 'overlaid') return [...block.over, ...block.under].flatMap(blocksIn)
  return block.kind === 'parted' ? [...block.between.flat(), ...block.under].flatMap(blocksIn) : [block]
}

/** The items of a block, each once; of trees that are kept none are known. */
export const itemsIn = (block: Block): readonly Item[] => {
  if (isCode(block)) return ownItems(block)
  const lists = itemListsIn(block)
  const [only] = lists
  // a list of a hundred thousand rules is not copied
  return only && lists.length === 1 ? only : lists.flat()
}

/** The same, in a list for each of the blocks that it is made of. */
export const itemListsIn = (block: Block): readonly (readonly Item[])[] =>
  isCode(block) ? [ownItems(block)] : blocksIn(block).map(ownItems)

function ownItems(block: PlainBlock): readonly Item[] {
  if (block.kind === 'always') return [block.item]
  if (block.kind === 'dispatch') return block.cases
  if (block.kind === 'kept' || block.kind === 'walked') return []
  return block.kind === 'tree' ? leafItems(block.root) : block.space.items
}

function leafItems(root: Node): readonly Item[] {
  // most trees of thousands of chains are one leaf, in which no item stands twice
  if (root.kind === 'leaf') return root.candidates.map(({ item }) => item)
  const items = new Set<Item>()
  for (const { candidates } of leavesOf(root)) for (const { item } of candidates) items.add(item)
  return [...items]
}

/** The fields that trees are cut along. Some are asked by none of their items: a rule that all leaves turn out to shadow may have been the reason for a cut. */
export const cutsIn = (block: Block): readonly FieldName[] => blocksIn(block).flatMap(ownCuts)

function ownCuts(block: PlainBlock): readonly FieldName[] {
  if (block.kind === 'kept') return block.fields
  if (block.kind === 'tree') return [...cutFields(block.root)]
  return 'space' in block ? block.space.axes.map(({ field }) => field) : []
}

/** Whether rules that are not known here stand in a block. */
export const hasKept = (block: Block): boolean =>
  blocksIn(block).some(({ kind }) => kind === 'kept' || kind === 'walked')

/** The trees of a block that were kept. */
export const keptIn = (block: Block): readonly KeptTrees[] =>
  blocksIn(block).flatMap(one => (one.kind === 'kept' ? [one] : []))
