// Trees as bytes in the one value of an array map, for code that walks them whatever their size. What is compared are words of 64 bits: of a
// field of 128 bits the two halves, of any other the field.
//
//   nodes   16 bytes: cut u64 | below u32 | above u32            a packet goes below where its word is less than the cut
//   lists    4 bytes: number of a box, LAST set on the last      what is to be compared in a leaf, in order
//   boxes             low and span of each word, answer u32      a word w is inside where w - low <= span; the wide ones first
//
// A reference is (index << 8) | (offset of the word that the node there compares); or of a leaf (index of its list << 8) | LEAF. Boxes are in
// the order of the rules, so of two answers the one of the smaller box counts.

import type { Family } from 'iptables-parser'
import type { FieldName } from '../field.ts'
import { type Item, isFinal } from '../item.ts'
import type { Node } from './node.ts'
import type { BoxLeaf, SeparateTree } from './separate.ts'
import type { Space } from './space.ts'
import { boxSize, type Word, WordBoxes, wordsOf } from './word-box.ts'

export const LEAF = 0xf8
export const LAST = 0x8000_0000
/** The offset of a word takes the bits of this. */
export const WORD_MASK = 0xf8
export const NODE_SIZE = 16
export const LIST_SIZE = 4
/** Indexes have 24 bits, of which all set means an empty leaf. */
const MOST_INDEX = 0xff_ffff
/** They take room on the stack, of which a program has 512 bytes in all. */
const MOST_WORDS = 12
/** Bytes of a map's value; the verifier follows offsets up to 2^29. */
const MOST_BYTES = 1 << 28
/** Boxes that intervals of wide fields may make of one. */
const MOST_PARTS = 16

/** Whether the rules can be said as boxes, and their trees be walked in a map. Rules that ask nothing have no words to walk by. */
export function isMappable({ axes, items, itemOf, exact }: Space, family: Family): boolean {
  const words = wordsOf(
    axes.map(({ field }) => field),
    family,
  )
  return (
    words.length > 0 &&
    words.length <= MOST_WORDS &&
    items.every(isFinal) &&
    exact.every(one => one === 1) &&
    itemOf.length * boxSize(words) * MOST_PARTS < MOST_BYTES
  )
}

/** Trees in a map, and what code that walks them has to know. */
export interface TreeMap {
  readonly bytes: Uint8Array
  readonly words: readonly Word[]
  readonly nodes: number
  readonly lists: { readonly at: number; readonly length: number }
  readonly boxes: {
    readonly at: number
    readonly length: number
    readonly size: number
    readonly answer: number
  }
  /** References to the roots, and the first box of each. */
  readonly roots: readonly { readonly reference: number; readonly first: number }[]
  /** Nodes on the longest way down, and boxes in the longest list. */
  readonly depth: number
  readonly fullest: number
}

/** Writes trees; `answer` is what a box of an item holds. Throws RangeError where they are too large. */
export function writeTrees(
  space: Space,
  trees: readonly SeparateTree[],
  family: Family,
  answer: (item: Item) => number,
): TreeMap {
  const words = wordsOf(
    space.axes.map(({ field }) => field),
    family,
  )
  const boxes = new WordBoxes(space, words)
  const nodes = new Nodes(words, boxes)
  const roots = trees.map(({ root, first }) => ({
    reference: nodes.reference(root, 0),
    first: boxes.first(first),
  }))
  return { ...join(nodes, boxes, answer), words, roots, depth: nodes.depth, fullest: nodes.fullest }
}

function join(nodes: Nodes, boxes: WordBoxes, answer: (item: Item) => number) {
  const size = boxSize(boxes.words)
  const lists = { at: nodes.cuts.length * NODE_SIZE, length: nodes.lists.length }
  const at = Math.ceil((lists.at + lists.length * LIST_SIZE) / 8) * 8
  const bytes = new Uint8Array(at + boxes.length * size)
  if (bytes.length > MOST_BYTES || lists.length >= MOST_INDEX || nodes.cuts.length >= MOST_INDEX)
    throw new RangeError(`trees of ${bytes.length} bytes are too large for a map`)
  const view = new DataView(bytes.buffer)
  nodes.write(view, lists.at)
  boxes.write(view, at, answer)
  return {
    bytes,
    nodes: nodes.cuts.length,
    lists,
    boxes: { at, length: boxes.length, size, answer: boxes.answerOffset },
  }
}

class Nodes {
  readonly cuts: bigint[] = []
  readonly #below: number[] = []
  readonly #above: number[] = []
  readonly lists: number[] = []
  depth = 0
  fullest = 0
  readonly #words: readonly Word[]
  readonly #boxes: WordBoxes

  constructor(words: readonly Word[], boxes: WordBoxes) {
    this.#words = words
    this.#boxes = boxes
  }

  reference(node: Node<BoxLeaf>, depth: number): number {
    this.depth = Math.max(this.depth, depth)
    if (node.kind === 'leaf') return this.#list(node.candidates)
    const high = this.#offset(node.field, 0)
    if (typeof node.at === 'number' || this.#offset(node.field, 1) < 0)
      return this.#branch(high, BigInt(node.at), node, depth)
    const [upper, lower] = [node.at >> 64n, BigInt.asUintN(64, node.at)]
    return lower === 0n
      ? this.#branch(high, upper, node, depth)
      : this.#wideBranch(high, upper, lower, node, depth)
  }

  #branch(offset: number, cut: bigint, { below, above }: Branching, depth: number): number {
    const node = this.#add(offset, cut)
    return this.#lead(node, this.reference(below, depth + 1), this.reference(above, depth + 1))
  }

  /** Three comparisons: less in the high half, greater in it, or else less in the low half. */
  #wideBranch(offset: number, high: bigint, low: bigint, { below, above }: Branching, depth: number): number {
    const first = this.#add(offset, high)
    const second = this.#add(offset, high + 1n)
    const third = this.#add(offset + 8, low)
    const [under, over] = [this.reference(below, depth + 3), this.reference(above, depth + 3)]
    this.#lead(third, under, over)
    // beyond the greatest high half there is nothing
    const greatest = high === 0xffff_ffff_ffff_ffffn
    return this.#lead(first, under, greatest ? third : this.#lead(second, third, over))
  }

  #add(offset: number, cut: bigint): number {
    this.cuts.push(BigInt.asUintN(64, cut))
    return ((this.cuts.length - 1) * 256 + offset) >>> 0
  }

  #lead(reference: number, below: number, above: number): number {
    this.#below[reference >>> 8] = below
    this.#above[reference >>> 8] = above
    return reference
  }

  #list(ids: Int32Array): number {
    const { length } = this.lists
    for (const id of ids)
      for (let box = this.#boxes.first(id); box < this.#boxes.first(id + 1); box++) this.lists.push(box)
    const last = this.lists.length - 1
    this.fullest = Math.max(this.fullest, last + 1 - length)
    if (last < length) return (MOST_INDEX * 256 + LEAF) >>> 0
    this.lists[last] = ((this.lists[last] ?? 0) | LAST) >>> 0
    return (length * 256 + LEAF) >>> 0
  }

  #offset(field: FieldName, half: 0 | 1): number {
    return 8 * this.#words.findIndex(word => word.field === field && word.half === half)
  }

  write(view: DataView, listsAt: number): void {
    for (const [index, cut] of this.cuts.entries()) {
      view.setBigUint64(index * NODE_SIZE, cut, true)
      view.setUint32(index * NODE_SIZE + 8, this.#below[index] ?? 0, true)
      view.setUint32(index * NODE_SIZE + 12, this.#above[index] ?? 0, true)
    }
    for (const [index, box] of this.lists.entries()) view.setUint32(listsAt + index * LIST_SIZE, box, true)
  }
}

type Branching = Extract<Node<BoxLeaf>, { kind: 'branch' }>
