// Chains cut into blocks, each with the strategy that suits it.
//
//   always     a rule that every packet matches and that goes on afterwards (plain counting, or a call of another chain): inside a tree
//              it would stand in every leaf
//   dispatch   a long run of rules of one shape for exact values: one look-up
//   tree       everything else; where it is small the tree is one leaf, whose rules are asked in turn
//   split      rules that look into the transport header, apart for packets that have all of it and for the few that do not: only of
//              these rules can find a packet malformed, and those questions would stand between the others

import type { Family } from 'iptables-parser'
import type { FieldName } from './field.ts'
import type { Item } from './item.ts'
import { withinOdd, withinWhole } from './split.ts'
import { buildTree, type TreeLimits } from './tree/build.ts'
import { type Dispatch, LEAST_DISPATCH, segmentsOf } from './tree/dispatch.ts'
import type { Node } from './tree/node.ts'

export type Block =
  | { readonly kind: 'always'; readonly item: Item }
  | { readonly kind: 'tree'; readonly root: Node; readonly items: number }
  | { readonly kind: 'split'; readonly whole: readonly Block[]; readonly odd: readonly Block[] }
  | Dispatch

export interface Strategies {
  /** The shortest run of rules that becomes a look-up. Infinity for none: an object file cannot hold a hash map's contents. */
  readonly leastDispatch: number
  /** Rules, by their index among all that counts, that make a look-up of their run however short it is: more like them are likely to come. */
  readonly edited: ReadonlySet<number>
}

export const defaultStrategies: Strategies = { leastDispatch: LEAST_DISPATCH, edited: new Set() }

/** How far a tree may replicate rules before the run is cut in two. */
const REPLICATION = 4
const LIMITS = { linear: 3 } as const

export function blocksOf(items: readonly Item[], family: Family, strategies: Strategies): Block[] {
  const blocks: Block[] = []
  let run: Item[] = []
  const flush = (): void => {
    if (run.length > 0) blocks.push(...runBlocks(run, family, strategies))
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

function runBlocks(items: readonly Item[], family: Family, strategies: Strategies): Block[] {
  const { leastDispatch, edited } = strategies
  if (items.length < leastDispatch && !items.some(({ rule }) => edited.has(rule)))
    return treesOf(items, family)
  // a rule that looks into the transport header is several items, which only a split takes apart
  const inTransport = new Set(items.filter(({ sets }) => sets.has('transport')).map(({ rule }) => rule))
  const alone = new Set([...edited].filter(rule => !inTransport.has(rule)))
  return segmentsOf(items, family, leastDispatch, alone).flatMap(segment => {
    if (segment.kind === 'dispatch') return [segment]
    return splitOf(segment.items, family, strategies) ?? treesOf(segment.items, family)
  })
}

/** The run apart for whole and for other transport headers, where that makes look-ups of it. */
function splitOf(
  items: readonly Item[],
  family: Family,
  { leastDispatch: least, edited }: Strategies,
): Block[] | undefined {
  if (!items.some(item => item.sets.has('transport'))) return undefined
  const whole = segmentsOf(withinWhole(items), family, least, edited)
  if (!whole.some(segment => segment.kind === 'dispatch')) return undefined
  const odd = segmentsOf(withinOdd(items, family), family, least, edited)
  const blocks = (segments: typeof whole): Block[] =>
    segments.flatMap(segment => (segment.kind === 'dispatch' ? [segment] : treesOf(segment.items, family)))
  return [{ kind: 'split', whole: blocks(whole), odd: blocks(odd) }]
}

/** One tree, or where its cuts would replicate the rules too often, one for each half of them. */
function treesOf(items: readonly Item[], family: Family): Block[] {
  const limits: TreeLimits = { ...LIMITS, candidates: 64 + REPLICATION * items.length }
  const root = buildTree(items, family, limits)
  if (root) return [{ kind: 'tree', root, items: items.length }]
  const middle = items.length >> 1
  return [...treesOf(items.slice(0, middle), family), ...treesOf(items.slice(middle), family)]
}

/** The items of a block, each once. */
export function itemsIn(block: Block): readonly Item[] {
  if (block.kind === 'always') return [block.item]
  if (block.kind === 'dispatch') return block.cases.map(({ item }) => item)
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(itemsIn)
  return leafItems(block.root)
}

function leafItems(root: Node): readonly Item[] {
  const items = new Set<Item>()
  const pending = [root]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.kind === 'branch') pending.push(node.below, node.above)
    else for (const { item } of node.candidates) items.add(item)
  }
  return [...items]
}

/** The fields that trees are cut along. Some are asked by none of their items: a rule that all leaves turn out to shadow may have been the reason for a cut. */
export function cutsIn(block: Block): readonly FieldName[] {
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(cutsIn)
  return block.kind === 'tree' ? [...cutFields(block.root)] : []
}

function cutFields(root: Node): ReadonlySet<FieldName> {
  const cuts = new Set<FieldName>()
  const pending = [root]
  for (let node = pending.pop(); node; node = pending.pop())
    if (node.kind === 'branch') {
      cuts.add(node.field)
      pending.push(node.below, node.above)
    }
  return cuts
}
