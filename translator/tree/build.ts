// From a run of rules to a decision tree, by the cut that leaves least to do on both sides (after HyperSplit: Qi, Xu, Yang, Xue, Li,
// "Packet classification algorithms: from theory to practice", INFOCOM 2009). Rules that a cut goes through stand on both sides.

import type { Family } from 'iptables-parser'
import type { Item } from '../item.ts'
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

export function allBoxes({ itemOf }: Space): Int32Array {
  const ids = new Int32Array(itemOf.length)
  for (let id = 0; id < ids.length; id++) ids[id] = id
  return ids
}

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

class TreeBuilder<L extends AnyLeaf> {
  readonly #space: Space
  readonly #limits: TreeLimits
  readonly #leaf: (ids: Int32Array, box: Box) => L
  readonly #cutter: Cutter
  /** Of the node that is being grown, its sides written into it while they are. */
  readonly #box: Box
  /** The boxes of all nodes on the way down to it, each node's behind those of the one before. */
  #ids = new Int32Array()
  #candidates = 0

  constructor(space: Space, limits: TreeLimits, leaf: (ids: Int32Array, box: Box) => L) {
    this.#space = space
    this.#limits = limits
    this.#leaf = leaf
    this.#cutter = new Cutter(space)
    this.#box = Int32Array.from(space.axes.flatMap(({ starts }) => [0, starts.length]))
  }

  get exceeded(): boolean {
    return this.#candidates > this.#limits.candidates
  }

  grow(ids: Int32Array): Node<L> {
    this.#ids = new Int32Array(3 * ids.length)
    this.#ids.set(ids)
    return this.#node(0, ids.length)
  }

  /** The tree of the boxes from one place on to another. */
  #node(from: number, to: number): Node<L> {
    if (this.exceeded) return this.#leafOf(from, from)
    const { end, open } = this.#reach(from, to)
    const cut = open > this.#limits.linear ? this.#cutter.best(this.#ids, from, end, this.#box) : undefined
    if (!cut) {
      this.#candidates += end - from
      return this.#leafOf(from, end)
    }
    const { axis, at } = cut
    const low = this.#box[2 * axis] ?? 0
    const high = this.#box[2 * axis + 1] ?? 0
    const below = this.#side(from, end, axis, low, at)
    const above = this.#side(from, end, axis, at, high)
    this.#narrow(axis, low, high)
    const { field, starts } = this.#space.axes[axis] ?? { field: 'protocol' as const, starts: [] }
    return { kind: 'branch', field, at: starts[at] ?? 0, below, above }
  }

  #leafOf(from: number, to: number): L {
    return this.#leaf(this.#ids.slice(from, to), this.#box.slice())
  }

  #narrow(axis: number, low: number, end: number): void {
    this.#box[2 * axis] = low
    this.#box[2 * axis + 1] = end
  }

  #side(from: number, to: number, axis: number, low: number, end: number): Node<L> {
    const lows = this.#space.lows[axis]
    const ends = this.#space.ends[axis]
    const ids = this.#withRoom(2 * to - from)
    let next = to
    for (let index = from; index < to; index++) {
      const id = ids[index] ?? 0
      if ((lows?.[id] ?? 0) < end && (ends?.[id] ?? 0) > low) ids[next++] = id
    }
    this.#narrow(axis, low, end)
    return this.#node(to, next)
  }

  #withRoom(length: number): Int32Array {
    if (this.#ids.length >= length) return this.#ids
    const ids = new Int32Array(2 * length)
    ids.set(this.#ids)
    this.#ids = ids
    return ids
  }

  /** Behind which box no packet of the node gets, and how many items before it leave a question open. */
  #reach(from: number, to: number): { end: number; open: number } {
    const { exact, closed, itemOf } = this.#space
    const ids = this.#ids
    let open = 0
    let last = -1
    for (let index = from; index < to; index++) {
      const id = ids[index] ?? 0
      const item = itemOf[id] ?? 0
      if (exact[id] && this.#covers(id)) {
        if (closed[id]) return { end: index + 1, open }
      } else if (item !== last) {
        open++
        last = item
      }
    }
    return { end: to, open }
  }

  #covers(id: number): boolean {
    const { lows, ends } = this.#space
    const box = this.#box
    for (let axis = 0; axis < lows.length; axis++)
      if (
        (lows[axis]?.[id] ?? 0) > (box[2 * axis] ?? 0) ||
        (ends[axis]?.[id] ?? 0) < (box[2 * axis + 1] ?? 0)
      )
        return false
    return true
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
