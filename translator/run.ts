// A run of rules, none of which every packet matches, cut into blocks by what they cost.

import type { Family } from 'iptables-parser'
import { blocksCost } from './block-cost.ts'
import { callsOf } from './calls.ts'
import { type Block, itemsIn, type SeparatedBlock, type Strategies } from './chain.ts'
import { codeCost, hashCost, LARGE, mapCost, REPLICATION, total } from './cost.ts'
import { FieldSets } from './field-sets.ts'
import { decides, type Item } from './item.ts'
import { gathered, unshadowed, withinOdd, withinWhole } from './split.ts'
import { allBoxes, withTests } from './tree/build.ts'
import { type Dispatch, type Segment, segmentsOf } from './tree/dispatch.ts'
import { leafOfFew } from './tree/few.ts'
import { isMappable } from './tree/map.ts'
import { shapeOf } from './tree/node.ts'
import { type SeparateTree, separateTrees, tryTree } from './tree/separate.ts'
import { MOST_BOXES, type Space, spaceOf } from './tree/space.ts'

/** What blocks are made for. */
interface Making {
  readonly family: Family
  readonly strategies: Strategies
  /** The rules are already apart for whole and for other transport headers, and these are one side. */
  readonly side?: 'whole' | 'odd'
  /** What packets with a whole transport header can match; remembered of the run that was asked about last. */
  withinWhole(items: readonly Item[]): readonly Item[]
}

function remembered(): Making['withinWhole'] {
  let last: { readonly items: readonly Item[]; readonly whole: readonly Item[] } | undefined
  return items => {
    if (last?.items !== items) last = { items, whole: withinWhole(items) }
    return last.whole
  }
}

export function blocksOfRun(items: readonly Item[], family: Family, strategies: Strategies): Block[] {
  const { leastDispatch, edited, dispatch } = strategies
  // most of thousands of chains
  const leaf =
    edited.size === 0 && items.length < leastDispatch ? fewOf(items, family, strategies) : undefined
  if (leaf) return [leaf]
  const making = { family, strategies, withinWhole: remembered() }
  const isEdited = edited.size > 0 && items.some(({ rule }) => edited.has(rule))
  if (isEdited) {
    const plain = blocksOfRun(items, family, { ...strategies, edited: new Set() })
    // these go on beside what is edited (edit/kept.ts), and would not if look-ups cut them; in a map with others they do not
    if (plain.some(isInMap) && (strategies.ownMaps > 0 || items.length >= LARGE)) return plain
  }
  if (dispatch === 'never' || (items.length < leastDispatch && !isEdited)) return treesOf(items, making)
  // a rule that looks into the transport header is several items, which only a split takes apart
  const alone = edited.size === 0 ? edited : withoutTransport(edited, items)
  const segments = segmentsOf(items, leastDispatch, alone)
  const isWanted = isEdited || dispatch === 'always'
  if (!segments.some(isDispatch)) return splitOrTrees(items, making, isWanted)
  if (isWanted || isList(segments)) return lookUps(segments, making)
  const trees = treesOf(items, making)
  return lookUpsBelow(segments, making, total(blocksCost(trees))) ?? trees
}

/** Look-ups on one side of a split, or trees. */
function splitOrTrees(items: readonly Item[], making: Making, isWanted: boolean): Block[] {
  const whole = wholeSegments(items, making)
  if (!whole) return treesOf(items, making)
  if (isWanted || isList(whole)) {
    const looked = splitOf(items, lookUps(whole, wholeSide(making)), making)
    return isWanted || isList(looked) ? looked : cheaper(treesOf(items, making), looked)
  }
  const trees = treesOf(items, making)
  const looked = lookUpsBelow(whole, wholeSide(making), total(blocksCost(trees)))
  return looked ? cheaper(trees, splitOf(items, looked, making)) : trees
}

const isInMap = (block: Block): boolean =>
  block.kind === 'mapped' || (block.kind === 'split' && block.whole.some(isInMap))

function withoutTransport(rules: ReadonlySet<number>, items: readonly Item[]): ReadonlySet<number> {
  const inTransport = new Set(items.filter(({ sets }) => sets.has('transport')).map(({ rule }) => rule))
  return new Set([...rules].filter(rule => !inTransport.has(rule)))
}

type Part = Segment | Block

const isDispatch = (part: Part): part is Dispatch => part.kind === 'dispatch'

/** In so few parts, of which look-ups hold at least half of the rules, nothing else needs to be tried: rules will come and go there. */
export const FEW_PARTS = 8

function isList(parts: readonly Part[]): boolean {
  const inner = parts.flatMap((part): readonly Part[] => (part.kind === 'split' ? part.whole : [part]))
  return inner.length <= FEW_PARTS && 2 * rulesIn(inner.filter(isDispatch)) >= rulesIn(inner)
}

const rulesIn = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + (part.kind === 'rest' ? part.items : itemsIn(part)).length, 0)

const cheaper = (one: Block[], other: Block[]): Block[] =>
  total(blocksCost(one)) <= total(blocksCost(other)) ? one : other

/** What can be looked up, and for what stands between it trees or look-ups on one side. */
const lookUps = (segments: readonly Segment[], making: Making): Block[] =>
  segments.flatMap(segment => (segment.kind === 'dispatch' ? [segment] : restOf(segment, making)))

type Rest = Extract<Segment, { kind: 'rest' }>

const restOf = ({ items }: Rest, making: Making): Block[] =>
  (making.side ? undefined : dispatchSplit(items, making)) ?? treesOf(items, making)

/** The same where it costs less than so much, else undefined: told as soon as it can be, by what look-ups cost and by the least that stands between them. */
function lookUpsBelow(segments: readonly Segment[], making: Making, most: number): Block[] | undefined {
  const made = new Map<Segment, Block[]>()
  let cost = segments.reduce((sum, segment) => sum + leastOf(segment), 0)
  const rests = segments.filter(segment => segment.kind === 'rest')
  for (const rest of rests.sort((a, b) => a.items.length - b.items.length)) {
    if (cost >= most) return undefined
    const blocks = restOf(rest, making)
    made.set(rest, blocks)
    cost += total(blocksCost(blocks)) - leastOf(rest)
  }
  if (cost >= most) return undefined
  return segments.flatMap(segment => made.get(segment) ?? (segment.kind === 'dispatch' ? [segment] : []))
}

/** What a segment costs at least, unless most of its rules are shadowed by others: as one tree that leaves a rule in each leaf. */
function leastOf(segment: Segment): number {
  if (segment.kind === 'dispatch') return total(hashCost)
  const candidates = segment.items.length
  if (candidates < LARGE) return 0
  return total(mapCost([{ branches: candidates - 1, depth: Math.log2(candidates), candidates, fullest: 1 }]))
}

/** The run apart for whole and for other transport headers, where that makes look-ups of it. */
function dispatchSplit(items: readonly Item[], making: Making): Block[] | undefined {
  const whole = wholeSegments(items, making)
  return whole && splitOf(items, lookUps(whole, wholeSide(making)), making)
}

/** Of what packets with a whole transport header can match, where some of it can be looked up. */
function wholeSegments(items: readonly Item[], making: Making): readonly Segment[] | undefined {
  const { leastDispatch, edited } = making.strategies
  const segments = asksTransport(items) ? segmentsOf(making.withinWhole(items), leastDispatch, edited) : []
  return segments.some(isDispatch) ? segments : undefined
}

const wholeSide = (making: Making): Making => ({ ...making, side: 'whole' })

function splitOf(items: readonly Item[], whole: readonly Block[], making: Making): Block[] {
  const { family, strategies } = making
  const odd = segmentsOf(gathered(withinOdd(items, family)), strategies.leastDispatch, strategies.edited)
  return [{ kind: 'split', whole, odd: lookUps(odd, { ...making, side: 'odd' }) }]
}

const asksTransport = (items: readonly Item[]): boolean => items.some(({ sets }) => sets.has('transport'))

/** Few rules asked in turn. */
function fewOf(items: readonly Item[], family: Family, strategies: Strategies): Block | undefined {
  const few =
    items.length > 0 && items.length <= strategies.linear && items.length < strategies.leastSeparated
  const root = few ? leafOfFew(items, family) : undefined
  return root && { kind: 'tree', root, items: items.length }
}

/** Trees for a run: one, or where its cuts would replicate the rules too often, one for each class of them or for each half. */
function treesOf(all: readonly Item[], making: Making): Block[] {
  const { family, strategies, side } = making
  // rules that differ in their ports find the same packets malformed
  const items = side === 'odd' ? unshadowed(all) : all
  if (items.length === 0) return []
  const few = fewOf(items, family, strategies)
  if (few) return [few]
  const many = items.length >= strategies.leastSeparated
  const answer = many && allAnswer(items, strategies)
  // one tree would do the same, but of twice as many boxes
  if (answer && items.length >= strategies.large && !side && asksTransport(items))
    return splitTrees(items, making)
  const space = spaceOf(items, family)
  const ids = allBoxes(space)
  const pieces = many && !answer ? piecesOf(items, strategies) : [items]
  const separable = answer || pieces.length > 1
  const root =
    separable && strategies.separate === 'always'
      ? undefined
      : tryTree(space, ids, leafSize(items, strategies), REPLICATION)
  if (!root) return many ? severalTrees(space, ids, pieces, { ...making, answer }) : halves(items, making)
  const tree = { root, boxes: ids.length, first: 0 }
  if (answer) return cheapest({ kind: 'mapped', space, trees: [tree] }, making)
  const whole = [codeTree(tree, space)]
  return pieces.length > 1 && !side
    ? cheaper(
        whole,
        pieces.flatMap(piece => treesOf(piece, making)),
      )
    : whole
}

function severalTrees(
  space: Space,
  ids: Int32Array,
  pieces: readonly (readonly Item[])[],
  making: Making & { readonly answer: boolean },
): Block[] {
  const { family, strategies } = making
  // first of all, so that each piece is blocks of its own (see edit/kept.ts)
  if (pieces.length > 1) return pieces.flatMap(piece => treesOf(piece, making))
  if (!making.side && asksTransport(space.items)) return splitTrees(space.items, making)
  if (strategies.separate === 'never' || !making.answer) return halves(space.items, making)
  const eager = strategies.separate === 'always'
  const linear = leafSize(space.items, strategies)
  const trees = separateTrees(space, ids, { family, linear, eager, failed: eager ? 0 : REPLICATION })
  return cheapest({ kind: 'mapped', space, trees }, making)
}

/** Trees for packets with a whole transport header, and trees for all others. */
const splitTrees = (items: readonly Item[], making: Making): Block[] => [
  {
    kind: 'split',
    whole: treesOf(making.withinWhole(items), { ...making, side: 'whole' }),
    odd: treesOf(withinOdd(items, making.family), { ...making, side: 'odd' }),
  },
]

const leafSize = (items: readonly Item[], { linear, large, linearInLarge }: Strategies): number =>
  items.length < large ? linear : linearInLarge

/** An answer names one of few outcomes, and going to each chain is one. */
const MOST_GONE_TO = 64

/** So many rules of a run may be such that packets go on from them: each is a turn of a loop, which the verifier goes through one by one. */
const MOST_GOING_ON = 16

/** Whether answers say what rules come to: all decide, but for few if others may, and go to few chains. */
function allAnswer(items: readonly Item[], { goingOn }: Strategies): boolean {
  let others = 0
  let final: Item['outcome'] | undefined
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    // verdicts are few objects
    if (item.outcome === final && item.rest.length === 0) continue
    if (decides(item)) final = item.outcome
    else if (!goingOn || ++others > MOST_GOING_ON || !isWalked(item)) return false
  }
  return new Set(callsOf(items).map(({ chain }) => chain)).size <= MOST_GONE_TO
}

/** Trees in a map can hold it, and a walk can go on behind it. */
const isWalked = ({ outcome, rest, sets }: Item): boolean =>
  outcome.kind === 'continue' && rest.length === 0 && FieldSets.of(sets).boxes <= MOST_BOXES

/** Long stretches of rules that answers can speak for, and what stands between them. */
function piecesOf(items: readonly Item[], strategies: Strategies): readonly (readonly Item[])[] {
  const pieces: { readonly answered: boolean; readonly items: Item[] }[] = []
  for (const stretch of answeredStretches(items, strategies)) {
    const answered = stretch.length >= strategies.leastSeparated && allAnswer(stretch, strategies)
    const last = pieces.at(-1)
    if (last && !last.answered && !answered) for (const item of stretch) last.items.push(item)
    else pieces.push({ answered, items: [...stretch] })
  }
  return pieces.map(({ items }) => items)
}

/** Cut where rules begin or end that answers cannot speak for, and where too many go on. */
function answeredStretches(items: readonly Item[], { goingOn }: Strategies): readonly (readonly Item[])[] {
  const rulesOf = (is: (item: Item) => boolean) => new Set(items.filter(is).map(({ rule }) => rule))
  const others = rulesOf(item => !decides(item) && !(goingOn && isWalked(item)))
  const going = rulesOf(item => !decides(item))
  return stretchesOf(items, ({ rule }) => others.has(rule)).flatMap(stretch =>
    others.has(stretch[0]?.rule ?? -1) ? [stretch] : fewGoingOn(stretch, going),
  )
}

/** The same items in stretches in which so many go on as may. */
function fewGoingOn(items: readonly Item[], going: ReadonlySet<number>): readonly (readonly Item[])[] {
  const stretches: Item[][] = [[]]
  let count = 0
  for (const item of items) {
    if (going.has(item.rule) && ++count > MOST_GOING_ON && stretches.at(-1)?.at(-1)?.rule !== item.rule) {
      stretches.push([])
      count = 1
    }
    stretches.at(-1)?.push(item)
  }
  return stretches
}

/** Stretches of rules that all go on or all do not. */
function stretchesOf(items: readonly Item[], goesOn: (item: Item) => boolean): readonly (readonly Item[])[] {
  const stretches: Item[][] = []
  for (const [index, item] of items.entries()) {
    const before = items[index - 1]
    if (before && goesOn(before) === goesOn(item)) stretches.at(-1)?.push(item)
    else stretches.push([item])
  }
  return stretches
}

function halves(items: readonly Item[], making: Making): Block[] {
  const middle = items.length >> 1
  return [...treesOf(items.slice(0, middle), making), ...treesOf(items.slice(middle), making)]
}

/** Trees as code or in a map. */
function cheapest(block: SeparatedBlock, making: Making): Block[] {
  const { family, strategies } = making
  const measures = block.trees.map(({ root }) => shapeOf(root))
  const [code, map] = [codeCost(measures), mapCost(measures)]
  const wanted = strategies.map === 'always' || (strategies.map === 'cheapest' && total(map) < total(code))
  if ((wanted || code.slots > strategies.mostSlots) && isMappable(block.space, measures, family))
    return [block]
  const [only] = block.trees
  if (only && block.trees.length === 1) return [codeTree(only, block.space)]
  // several trees in code yield an answer each, and cannot go on from one
  if (!block.space.items.every(decides))
    return treesOf(block.space.items, { ...making, strategies: { ...strategies, goingOn: false } })
  return [{ ...block, kind: 'separated' }]
}

const codeTree = ({ root }: SeparateTree, space: Space): Block => ({
  kind: 'tree',
  root: withTests(root, space),
  items: space.items.length,
})
