// From a run of rules to a decision tree, by the cut that leaves least to do on both sides (after HyperSplit: Qi, Xu, Yang, Xue, Li,
// "Packet classification algorithms: from theory to practice", INFOCOM 2009). Rules that a cut goes through stand on both sides.

import type { Family } from 'iptables-parser'
import type { Item } from '../item.ts'
import { setTest } from '../test.ts'
import { type BoxList, BoxLists } from './box-list.ts'
import { Cutter } from './cut.ts'
import type { Candidate, Leaf, Node } from './node.ts'
import { segmentAt } from './point.ts'
import { type Axis, rangesOf, type SegmentRanges, type Space, spaceOf } from './space.ts'

export interface TreeLimits {
  /** At most so many candidates with questions left make a leaf. */
  readonly linear: number
  /** The most candidates all leaves together may hold. */
  readonly candidates: number
}

/** For each axis the half-open range of segments a node is about: low, end, low, end, … */
type Box = Int32Array

/** A leaf as it is built: the numbers of the boxes that a packet there can still meet, in order. */
export interface BoxLeaf {
  readonly kind: 'leaf'
  readonly candidates: BoxList
}

/** The tree of a run of items, or undefined where it would pass the limits. */
export function buildTree(items: readonly Item[], family: Family, limits: TreeLimits): Node | undefined {
  const space = spaceOf(items, family)
  const root = growTree(space, allBoxes(space), limits)
  return root && withTests(root, space)
}

export function allBoxes({ itemOf }: Space): Int32Array {
  const ids = new Int32Array(itemOf.length)
  for (let id = 0; id < ids.length; id++) ids[id] = id
  return ids
}

/** A tree over some boxes of a space, given by their numbers in order; undefined where it would pass the limits. */
export function growTree(space: Space, ids: Int32Array, limits: TreeLimits): Node<BoxLeaf> | undefined {
  const builder = new TreeBuilder(space, limits, ids.length)
  const root = builder.grow(ids)
  return builder.exceeded ? undefined : root
}

const wholeBox = ({ axes }: Space): Box => Int32Array.from(axes.flatMap(({ starts }) => [0, starts.length]))

class TreeBuilder {
  readonly #space: Space
  readonly #limits: TreeLimits
  readonly #cutter: Cutter
  /** Of the node that is being grown, its sides written into it while they are. */
  readonly #box: Box
  /** The boxes of all nodes on the way down to it, each node's behind those of the one before. */
  #ids: Int32Array
  /** Along how many axes each of them covers less than all of its node, and INEXACT. */
  #less: Uint8Array
  readonly #leaves: BoxLists
  #candidates = 0
  /** Of the side whose boxes were found last: where those end that a packet can meet, and how many of their items leave a question open. */
  #end = 0
  #open = 0

  constructor(space: Space, limits: TreeLimits, boxes: number) {
    this.#space = space
    this.#limits = limits
    this.#cutter = new Cutter(space)
    this.#box = wholeBox(space)
    this.#ids = new Int32Array(3 * boxes)
    this.#less = new Uint8Array(3 * boxes)
    this.#leaves = new BoxLists(boxes)
  }

  get exceeded(): boolean {
    return this.#candidates > this.#limits.candidates
  }

  grow(ids: Int32Array): Node<BoxLeaf> {
    this.#begin(ids)
    return this.#node(0, this.#end, this.#open, 0)
  }

  /** The tree of the boxes from one place on to another, of which so many items leave a question open; all cover all of it along the `settled` axes. */
  #node(from: number, to: number, open: number, settled: number): Node<BoxLeaf> {
    const isOver = this.exceeded
    const axis =
      open > this.#limits.linear && !isOver ? this.#cutter.find(this.#ids, from, to, this.#box, settled) : -1
    if (axis < 0) return this.#leafOf(from, isOver ? from : to)
    const { at, settled: further } = this.#cutter
    const box = this.#box
    const low = box[2 * axis] as number
    const high = box[2 * axis + 1] as number
    this.#side(from, to, axis, low, at)
    const below = this.#node(to, this.#end, this.#open, further)
    this.#narrow(axis, low, high)
    this.#side(from, to, axis, at, high)
    const above = this.#node(to, this.#end, this.#open, further)
    this.#narrow(axis, low, high)
    const { field, starts } = this.#space.axes[axis] as Axis
    return { kind: 'branch', field, at: starts[at] ?? 0, below, above }
  }

  #leafOf(from: number, to: number): BoxLeaf {
    this.#candidates += to - from
    return { kind: 'leaf', candidates: this.#leaves.add(this.#ids, from, to) }
  }

  #narrow(axis: number, low: number, end: number): void {
    this.#box[2 * axis] = low
    this.#box[2 * axis + 1] = end
  }

  /** The boxes of the root. */
  #begin(boxes: Int32Array): void {
    const { less: lesses, closed, itemOf } = this.#space
    let last = -1
    for (let at = 0; at < boxes.length; at++) {
      const id = boxes[at] as number
      const less = lesses[id] as number
      this.#ids[at] = id
      this.#less[at] = less
      this.#end = at + 1
      const item = itemOf[id] as number
      if (less === 0 && closed[id] === 1) return
      if (less === 0 || item === last) continue
      this.#open++
      last = item
    }
  }

  /** Puts the boxes of a side of a node behind those of the node, up to the one behind which no packet of the side gets. */
  #side(from: number, to: number, axis: number, low: number, high: number): void {
    this.#makeRoom(2 * to - from)
    const { closed, itemOf } = this.#space
    const lows = this.#space.lows[axis] as Int32Array
    const ends = this.#space.ends[axis] as Int32Array
    const ids = this.#ids
    const lesses = this.#less
    const box = this.#box
    const wholeLow = box[2 * axis] as number
    const wholeHigh = box[2 * axis + 1] as number
    let next = to
    let open = 0
    let last = -1
    for (let index = from; index < to; index++) {
      const id = ids[index] as number
      const begin = lows[id] as number
      const end = ends[id] as number
      if (begin >= high || end <= low) continue
      let less = lesses[index] as number
      // covers the side, and did not cover the node
      if (begin <= low && end >= high && (begin > wholeLow || end < wholeHigh)) less--
      ids[next] = id
      lesses[next++] = less
      if (less === 0) {
        if (closed[id] === 1) break
        continue
      }
      const item = itemOf[id] as number
      if (item !== last) open++
      last = item
    }
    this.#narrow(axis, low, high)
    this.#end = next
    this.#open = open
  }

  #makeRoom(length: number): void {
    if (this.#ids.length >= length) return
    const [ids, less] = [new Int32Array(2 * length), new Uint8Array(2 * length)]
    ids.set(this.#ids)
    less.set(this.#less)
    this.#ids = ids
    this.#less = less
  }
}

/** The tree with what is still to be asked in its leaves. */
export function withTests(root: Node<BoxLeaf>, space: Space): Node {
  const box = wholeBox(space)
  const all = (node: Node<BoxLeaf>): Node => {
    if (node.kind === 'leaf') return leafOf(space, node.candidates, box)
    const { kind, field, at } = node
    const axis = space.axes.findIndex(one => one.field === field)
    const cut = segmentAt((space.axes[axis] as Axis).starts, at)
    const [low, end] = [box[2 * axis] ?? 0, box[2 * axis + 1] ?? 0]
    box[2 * axis + 1] = cut
    const below = all(node.below)
    box[2 * axis] = cut
    box[2 * axis + 1] = end
    const above = all(node.above)
    box[2 * axis] = low
    return { kind, field, at, below, above }
  }
  return all(root)
}

/** A leaf with what is still to be asked there; an item stands in it once, however many of its boxes reach it. */
function leafOf(space: Space, { ids, from, length }: BoxList, box: Box): Leaf {
  const candidates: Candidate[] = []
  let last: Item | undefined
  for (let at = from; at < from + length; at++) {
    const item = space.items[space.itemOf[ids[at] ?? 0] ?? 0]
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
