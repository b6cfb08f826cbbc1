// Trees as bytes in the one value of an array map, for code that walks them whatever their size. What is compared are words of 64 bits: of a
// field of 128 bits the two halves, of any other the field. Three levels of a tree stand together, so that what to read next is known
// only once in three comparisons, and they share their cache lines.
//
//   roots    8 bytes: first u32 | reference u32        for each tree the position of its first item; behind the last of those that share a map
//                                                      with others (emit/shared-walk.ts) BEHIND_ALL and no boxes
//   knots   72 bytes: references 8 u32 | cuts 7 u32 | words 7 u8 | padding       with cuts of 64 bits 96
//                a packet goes below where its word is less than the cut: from cut 1 to cut 2, else to cut 3, and so on,
//                as in a heap, to the reference it comes to; a word is the offset of what is compared
//   boxes        low and span of each word | answer u32 | position u32           one behind the other for each leaf, in order
//                a word w is inside where w - low <= span; the last box of a leaf has LAST in its position
//
// A reference is the offset of a knot, or of a leaf's first box with LEAF set. Positions are those of items in the run, so of
// two answers the smaller counts.

import type { Family } from 'iptables-parser'
import type { Measure } from '../cost.ts'
import type { BoxList } from './box-list.ts'
import { BoxWriter, type Places } from './box-writer.ts'
import { type KnotLayout, Knots, knotLayout, LEAF, WAYS } from './knot.ts'
import type { SeparateTree } from './separate.ts'
import type { Space } from './space.ts'
import { boxSize, LAST, mostParts, type Word, wordsOf } from './word-box.ts'

/** What of a reference is an offset. */
export const OFFSET_MASK = 0x7fff_fff8
/** The leaf without boxes. */
export const EMPTY = LEAF + OFFSET_MASK
export const ROOT_SIZE = 8
/** Greater than the position of any answer, and of none as a walk that is shared has it. */
export const BEHIND_ALL = 0xffff_ffff
/** They take room on the stack, of which a program has 512 bytes in all. */
export const MOST_WORDS = 12
/** Bytes of a map's value; the verifier follows offsets up to 2^29. */
const MOST_BYTES = 1 << 28
/** A cut of a wide field is up to so many comparisons. */
const WIDE_CUT = 3

/** Whether the rules can be said as boxes, and their trees be walked in a map. Rules that ask nothing have no words to walk by. */
export function isMappable(space: Space, trees: readonly Measure[], family: Family): boolean {
  const words = wordsOf(space, family)
  return (
    words.length > 0 &&
    words.length <= MOST_WORDS &&
    space.exact.every(one => one === 1) &&
    mostBytes(space, trees, family) <= MOST_BYTES
  )
}

/** The most bytes that trees may take. */
export function mostBytes(space: Space, trees: readonly Measure[], family: Family): number {
  const words = wordsOf(space, family)
  const knot = knotLayout(words).size * (words.some(({ half }) => half === 1) ? WIDE_CUT : 1)
  const box = boxSize(words) * mostParts(space, family)
  return trees.reduce(
    (bytes, { branches, candidates }) => bytes + ROOT_SIZE + knot * (branches + 1) + box * (candidates + 1),
    0,
  )
}

/** What code that walks trees in a map has to know of them: plain data. */
export interface TreeLayout {
  /** Bytes of the map's value. */
  readonly size: number
  readonly words: readonly Word[]
  readonly trees: number
  /** The greatest offset of a knot, and of a box. */
  readonly lastKnot: number
  readonly lastBox: number
  readonly box: { readonly size: number; readonly answer: number; readonly position: number }
  /** Knots on the longest way down, and boxes in the fullest leaf. */
  readonly depth: number
  readonly fullest: number
}

/** Trees in a map. */
export interface TreeMap extends TreeLayout {
  readonly bytes: Uint8Array
  readonly knot: KnotLayout
}

/** Writes trees; `answers` are what boxes of the items hold. `shared` is whether others stand in the same map. Throws RangeError where they are too large. */
export function writeTrees(
  space: Space,
  trees: readonly SeparateTree[],
  family: Family,
  answers: Uint32Array,
  shared = false,
): TreeMap {
  const words = wordsOf(space, family)
  const knots = new Knots(words)
  const roots = trees.map(({ root }) => knots.reference(root, 0))
  const boxes = new BoxWriter(space, words, answers)
  const knotsAt = ROOT_SIZE * (trees.length + (shared ? 1 : 0))
  // one has room even where all trees are leaves
  const boxesAt = knotsAt + Math.max(1, knots.length) * knots.layout.size
  const leaves = placeLeaves(knots.leaves, boxes, boxesAt)
  if (leaves.end > MOST_BYTES) throw new RangeError(`trees of ${leaves.end} bytes are too large for a map`)
  const bytes = new Uint8Array(leaves.end)
  const offsetOf = (found: number): number =>
    found >= LEAF ? (leaves.references[found - LEAF] ?? EMPTY) : knotsAt + found * knots.layout.size
  const view = new DataView(bytes.buffer)
  for (const [index, { first }] of trees.entries())
    writeRoot(view, ROOT_SIZE * index, space.itemOf[first] ?? 0, offsetOf(roots[index] ?? LEAF))
  if (shared) writeRoot(view, ROOT_SIZE * trees.length, BEHIND_ALL, EMPTY)
  knots.write(bytes, knotsAt, offsetOf)
  boxes.write(bytes, leaves)
  markLast(view, leaves.ends, boxes.size - boxes.positionOffset)
  return {
    bytes,
    size: bytes.length,
    words,
    trees: trees.length,
    knot: knots.layout,
    lastKnot: boxesAt - knots.layout.size,
    lastBox: leaves.end - boxes.size,
    box: { size: boxes.size, answer: boxes.answerOffset, position: boxes.positionOffset },
    depth: knots.depth,
    fullest: leaves.fullest,
  }
}

/** Marks the last boxes of leaves, by where the leaves end and how far before that a position stands. */
export function markLast(
  { buffer, byteOffset, byteLength }: DataView,
  ends: readonly number[],
  back: number,
): void {
  const quads = new Int32Array(buffer, byteOffset, byteLength >> 2)
  for (let at = 0; at < ends.length; at++) {
    const quad = ((ends[at] as number) - back) >> 2
    quads[quad] = (quads[quad] as number) | LAST
  }
}

/** The trees as they are from an offset of a map on. */
export function movedTo({ bytes, trees, knot, lastKnot }: TreeMap, offset: number): Uint8Array {
  const moved = bytes.slice()
  moveReferences(moved, { trees, knot, firstKnot: ROOT_SIZE * (trees + 1), lastKnot }, offset)
  return moved
}

interface Referring {
  readonly trees: number
  readonly knot: KnotLayout
  readonly firstKnot: number
  readonly lastKnot: number
}

/** All that roots and knots refer to is so much further behind. */
export function moveReferences(
  bytes: Uint8Array,
  { trees, knot, firstKnot, lastKnot }: Referring,
  by: number,
): void {
  const quads = new Uint32Array(bytes.buffer)
  const move = (quad: number): void => {
    const reference = quads[quad] ?? EMPTY
    if (reference !== EMPTY) quads[quad] = reference + by
  }
  for (let tree = 0; tree < trees; tree++) move((ROOT_SIZE * tree + 4) >> 2)
  const ways = knot.reference(WAYS)
  for (let at = firstKnot; at <= lastKnot; at += knot.size)
    for (let way = 0; way < WAYS; way++) move(((at + ways) >> 2) + way)
}

function writeRoot(view: DataView, at: number, first: number, reference: number): void {
  view.setUint32(at, first, true)
  view.setUint32(at + 4, reference, true)
}

/** Where the boxes of leaves go, those of one behind those of another from an offset on; at least one box has room. */
interface PlacedLeaves extends Places {
  /** For each leaf what stands for it. */
  readonly references: Float64Array
  /** Behind the last box of each leaf that has one. */
  readonly ends: readonly number[]
  readonly fullest: number
  readonly end: number
}

function placeLeaves(leaves: readonly BoxList[], boxes: BoxWriter, from: number): PlacedLeaves {
  const count = leaves.reduce((sum, { length }) => sum + length, 0)
  const [ids, offsets] = [new Int32Array(count), new Int32Array(count)]
  const references = new Float64Array(leaves.length).fill(EMPTY)
  const ends: number[] = []
  let [end, fullest, place] = [from, 1, 0]
  for (let index = 0; index < leaves.length; index++) {
    const leaf = leaves[index] as BoxList
    const at = end
    for (let box = leaf.from; box < leaf.from + leaf.length; box++) {
      const id = leaf.ids[box] as number
      ids[place] = id
      offsets[place++] = end
      end += boxes.sizeOf(id)
    }
    if (end === at) continue
    references[index] = LEAF + at
    ends.push(end)
    fullest = Math.max(fullest, (end - at) / boxes.size)
  }
  return { ids, offsets, references, ends, fullest, end: Math.max(end, from + boxes.size) }
}
