// From a run of rules to a decision tree, by the cut that leaves least to do on both sides (after HyperSplit: Qi, Xu, Yang, Xue, Li,
// "Packet classification algorithms: from theory to practice", INFOCOM 2009). Rules that a cut goes through stand on both sides.

import type { Family } from 'iptables-parser'
import type { Item } from '../item.ts'
import { isFinal } from '../item.ts'
import { setTest } from '../test.ts'
import { Cutter } from './cut.ts'
import type { AnyLeaf, Candidate, Leaf, Node } from './node.ts'
import { rangesOf, type SegmentRanges, type Space, spaceOf } from './space.ts'

export interface TreeLimits {
  /** At most so many candidates with questions left make a leaf. */
  readonly linear: number
  /** The most candidates all leaves together may hold. */
  readonly candidates: number
}

/** For each axis the half-open range of segments a node is about: low, end, low, end, … */
export type Box = Int32Array

/** The tree of a run of items, or undefined where it would pass the limits. */
export function buildTree(items: readonly Item[], family: Family, limits: TreeLimits): Node | undefined {
  const space = spaceOf(items, family)
  return growTree(space, allBoxes(space), limits, (ids, box) => leafOf(space, ids, box))
}

export const allBoxes = ({ itemOf }: Space): Int32Array => Int32Array.from(itemOf, (_, id) => id)

/**
 * A tree over some boxes of a space, given by their numbers in order; undefined where it would pass the limits. `leaf` is given those
 * boxes that a packet there can still meet.
 */
export function growTree<L extends AnyLeaf>(
  space: Space,
  ids: Int32Array,
  limits: TreeLimits,
  leaf: (ids: Int32Array, box: Box) => L,
): Node<L> | undefined {
  const builder = new TreeBuilder(space, limits, leaf)
  const root = builder.grow(ids)
  return builder.exceeded ? undefined : root
}

const NONE = new Int32Array()

class TreeBuilder<L extends AnyLeaf> {
  readonly #space: Space
  readonly #limits: TreeLimits
  readonly #leaf: (ids: Int32Array, box: Box) => L
  /** For each box whether a packet that matches goes no further. */
  readonly #ends: Uint8Array
  readonly #cutter = new Cutter()
  /** Where the boxes of a side are gathered. */
  #inside = new Int32Array(64)
  #candidates = 0

  constructor(space: Space, limits: TreeLimits, leaf: (ids: Int32Array, box: Box) => L) {
    this.#space = space
    this.#limits = limits
    this.#leaf = leaf
    this.#ends = Uint8Array.from(space.itemOf, (item, id) => {
      const { [item]: found } = space.items
      return space.exact[id] && found && isFinal(found) ? 1 : 0
    })
  }

  get exceeded(): boolean {
    return this.#candidates > this.#limits.candidates
  }

  grow(ids: Int32Array): Node<L> {
    return this.#node(ids, Int32Array.from(this.#space.axes.flatMap(({ starts }) => [0, starts.length])))
  }

  #node(ids: Int32Array, box: Box): Node<L> {
    if (this.exceeded) return this.#leaf(ids.subarray(0, 0), box)
    const { alive, open } = this.#reach(ids, box)
    const cut = open > this.#limits.linear ? this.#bestCut(alive, box) : undefined
    if (!cut) {
      this.#candidates += alive.length
      return this.#leaf(alive, box)
    }
    const { axis, at } = cut
    const below = this.#side(alive, box, axis, box[2 * axis] ?? 0, at)
    const above = this.#side(alive, box, axis, at, box[2 * axis + 1] ?? 0)
    const { field, starts } = this.#space.axes[axis] ?? { field: 'protocol' as const, starts: [] }
    return { kind: 'branch', field, at: starts[at] ?? 0, below, above }
  }

  #side(ids: Int32Array, box: Box, axis: number, low: number, end: number): Node<L> {
    const { [axis]: lows = NONE } = this.#space.lows
    const { [axis]: ends = NONE } = this.#space.ends
    let inside = 0
    if (this.#inside.length < ids.length) this.#inside = new Int32Array(2 * ids.length)
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] ?? 0
      if ((lows[id] ?? 0) < end && (ends[id] ?? 0) > low) this.#inside[inside++] = id
    }
    const kept = this.#inside.slice(0, inside)
    const side = box.slice()
    side[2 * axis] = low
    side[2 * axis + 1] = end
    return this.#node(kept, side)
  }

  /** The boxes a packet of the node can still get to, and how many of their items leave a question open. */
  #reach(ids: Int32Array, box: Box): { alive: Int32Array; open: number } {
    const { exact, itemOf } = this.#space
    let open = 0
    let last = -1
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index] ?? 0
      const item = itemOf[id] ?? 0
      if (exact[id] && this.#covers(id, box)) {
        if (this.#ends[id]) return { alive: ids.subarray(0, index + 1), open }
      } else if (item !== last) {
        open++
        last = item
      }
    }
    return { alive: ids, open }
  }

  #covers(id: number, box: Box): boolean {
    const { lows, ends } = this.#space
    for (let axis = 0; axis < lows.length; axis++)
      if (
        (lows[axis]?.[id] ?? 0) > (box[2 * axis] ?? 0) ||
        (ends[axis]?.[id] ?? 0) < (box[2 * axis + 1] ?? 0)
      )
        return false
    return true
  }

  #bestCut(ids: Int32Array, box: Box): { axis: number; at: number } | undefined {
    let best: { axis: number; at: number; cost: number } | undefined
    for (const [axis, { field }] of this.#space.axes.entries()) {
      const lows = this.#space.lows[axis]
      const ends = this.#space.ends[axis]
      if (!lows || !ends) continue
      const cut = this.#cutter.cut({ ids, lows, ends, low: box[2 * axis] ?? 0, end: box[2 * axis + 1] ?? 0 })
      // how far the transport header reaches comes first: nearly all packets have all of it, and rules ask no more of them
      if (cut && field === 'transport') return { axis, at: cut.at }
      if (cut && (!best || cut.cost < best.cost)) best = { axis, ...cut }
    }
    return best
  }
}

/** A leaf with what is still to be asked there; an item stands in it once, however many of its boxes reach it. */
export function leafOf(space: Space, ids: Int32Array, box: Box): Leaf {
  const candidates: Candidate[] = []
  let last: Item | undefined
  for (const id of ids) {
    const item = space.items[space.itemOf[id] ?? 0]
    if (!item || item === last) continue
    last = item
    candidates.push(candidateOf(item, space, box))
  }
  return { kind: 'leaf', candidates }
}

function candidateOf(item: Item, { axes }: Space, box: Box): Candidate {
  const open = axes.filter((axis, index) => {
    const set = item.sets.get(axis.field)
    return set && !isCovered(rangesOf(item, axis), box[2 * index] ?? 0, box[2 * index + 1] ?? 0)
  })
  return {
    item,
    tests: [...open.map(({ field }) => setTest(field, item.sets.get(field) ?? [])), ...item.rest],
  }
}

/** Whether one of the ranges covers all of another. */
function isCovered(ranges: SegmentRanges, low: number, end: number): boolean {
  for (let i = 0; i < ranges.length; i += 2)
    if ((ranges[i] ?? 0) <= low && (ranges[i + 1] ?? 0) >= end) return true
  return false
}
