// From a run of rules to a decision tree, by the cut that leaves least to do on both sides (after HyperSplit: Qi, Xu, Yang, Xue, Li,
// "Packet classification algorithms: from theory to practice", INFOCOM 2009). Rules that a cut goes through stand on both sides.

import type { Family } from 'iptables-parser'
import type { Item } from '../item.ts'
import { setTest } from '../test.ts'
import type { Candidate, Leaf, Node } from './node.ts'
import { type PlacedItem, type SegmentRanges, type Space, spaceOf } from './space.ts'

export interface TreeLimits {
  /** At most so many candidates with questions left make a leaf. */
  readonly linear: number
  /** The most candidates all leaves together may hold. */
  readonly candidates: number
}

/** For each axis the half-open range of segments a node is about: low, end, low, end, … */
type Box = readonly number[]

/** The tree of a run of items, or undefined where it would pass the limits. */
export function buildTree(items: readonly Item[], family: Family, limits: TreeLimits): Node | undefined {
  const space = spaceOf(items, family)
  const box = space.axes.flatMap(axis => [0, axis.starts.length])
  const builder = new TreeBuilder(space, limits)
  const root = builder.node(space.items, box)
  return builder.exceeded ? undefined : root
}

/** How an item lies to a range of segments. */
type Relation = 'outside' | 'across' | 'covers'

function relation(ranges: SegmentRanges | undefined, low: number, end: number): Relation {
  if (!ranges) return 'covers'
  for (let i = 0; i < ranges.length; i += 2) {
    const [from = 0, to = 0] = [ranges[i], ranges[i + 1]]
    if (to <= low) continue
    if (from >= end) return 'outside'
    return from <= low && to >= end ? 'covers' : 'across'
  }
  return 'outside'
}

const isLast = ({ outcome }: Item): boolean => outcome.kind !== 'continue' && outcome.kind !== 'jump'

class TreeBuilder {
  readonly #space: Space
  readonly #limits: TreeLimits
  #candidates = 0

  constructor(space: Space, limits: TreeLimits) {
    this.#space = space
    this.#limits = limits
  }

  get exceeded(): boolean {
    return this.#candidates > this.#limits.candidates
  }

  node(items: readonly PlacedItem[], box: Box): Node {
    if (this.exceeded) return { kind: 'leaf', candidates: [] }
    const { alive, open } = this.#reach(items, box)
    if (open <= this.#limits.linear) return this.#leaf(alive, box)
    const cut = this.#bestCut(alive, box)
    if (!cut) return this.#leaf(alive, box)
    const { axis, at } = cut
    const below = this.#side(alive, box, axis, box[2 * axis] ?? 0, at)
    const above = this.#side(alive, box, axis, at, box[2 * axis + 1] ?? 0)
    const { field, starts } = this.#space.axes[axis] ?? { field: 'protocol' as const, starts: [] }
    return { kind: 'branch', field, at: starts[at] ?? 0, below, above }
  }

  #side(items: readonly PlacedItem[], box: Box, axis: number, low: number, end: number): Node {
    const inside = items.filter(({ ranges }) => relation(ranges[axis], low, end) !== 'outside')
    return this.node(inside, box.with(2 * axis, low).with(2 * axis + 1, end))
  }

  /** The items a packet of the box can still get to, and how many of them leave a question open. */
  #reach(items: readonly PlacedItem[], box: Box): { alive: PlacedItem[]; open: number } {
    const alive: PlacedItem[] = []
    let open = 0
    for (const placed of items) {
      const covers = placed.ranges.every(
        (ranges, axis) => relation(ranges, box[2 * axis] ?? 0, box[2 * axis + 1] ?? 0) === 'covers',
      )
      alive.push(placed)
      if (!covers) open++
      else if (placed.item.rest.length === 0 && isLast(placed.item)) break
    }
    return { alive, open }
  }

  #leaf(items: readonly PlacedItem[], box: Box): Leaf {
    this.#candidates += items.length
    return { kind: 'leaf', candidates: items.map(placed => this.#candidate(placed, box)) }
  }

  #candidate({ item, ranges }: PlacedItem, box: Box): Candidate {
    const questions = this.#space.axes.filter(
      (_, axis) => relation(ranges[axis], box[2 * axis] ?? 0, box[2 * axis + 1] ?? 0) === 'across',
    )
    return {
      item,
      tests: [...questions.map(({ field }) => setTest(field, item.sets.get(field) ?? [])), ...item.rest],
    }
  }

  #bestCut(items: readonly PlacedItem[], box: Box): { axis: number; at: number } | undefined {
    let best: { axis: number; at: number; cost: number } | undefined
    for (let axis = 0; axis < this.#space.axes.length; axis++) {
      const cut = bestCutAlong(items, axis, box[2 * axis] ?? 0, box[2 * axis + 1] ?? 0)
      // how far the transport header reaches comes first: nearly all packets have all of it, and rules ask no more of them
      if (cut && this.#space.axes[axis]?.field === 'transport') return { axis, at: cut.at }
      if (cut && (!best || cut.cost < best.cost)) best = { axis, ...cut }
    }
    return best
  }
}

/** Where along an axis the items fall apart best: least sum of squares of what lies on the sides. */
function bestCutAlong(
  items: readonly PlacedItem[],
  axis: number,
  low: number,
  end: number,
): { at: number; cost: number } | undefined {
  const { first, last, inner } = boundaries(items, axis, low, end)
  const free = items.length - first.length
  let best: { at: number; cost: number } | undefined
  let [begun, ended] = [0, 0]
  for (const at of inner) {
    while (begun < first.length && (first[begun] ?? 0) < at) begun++
    while (ended < last.length && (last[ended] ?? 0) <= at) ended++
    const [below, above] = [begun + free, last.length - ended + free]
    const cost = below * below + above * above
    if (!best || cost < best.cost) best = { at, cost }
  }
  return best
}

/** Of the items that lie across a range: where they begin, where they end, and every place in between where one of them changes; each sorted. */
function boundaries(items: readonly PlacedItem[], axis: number, low: number, end: number) {
  const first: number[] = []
  const last: number[] = []
  const inner = new Set<number>()
  for (const { ranges } of items) {
    const own = ranges[axis]
    if (!own || relation(own, low, end) !== 'across') continue
    const inside = own.filter(at => at > low && at < end)
    for (const at of inside) inner.add(at)
    const [from, to] = span(own, low, end)
    first.push(from)
    last.push(to)
  }
  return { first: sorted(first), last: sorted(last), inner: sorted([...inner]) }
}

const sorted = (numbers: readonly number[]): Int32Array => Int32Array.from(numbers).sort()

/** From the first to the last segment of an item inside a range. */
function span(ranges: SegmentRanges, low: number, end: number): [number, number] {
  let first = end
  let last = low
  for (let i = 0; i < ranges.length; i += 2) {
    const from = Math.max(ranges[i] ?? 0, low)
    const to = Math.min(ranges[i + 1] ?? 0, end)
    if (from >= to) continue
    first = Math.min(first, from)
    last = Math.max(last, to)
  }
  return [first, last]
}
