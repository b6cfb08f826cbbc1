// Trees in a map (map.ts draws them), read back: their boxes, and which packets come to which leaf.

import { domain } from '../field.ts'
import type { Point } from './interval.ts'
import { type KnotLayout, knotLayout, LEAF, LEVELS, WAYS } from './knot.ts'
import { OFFSET_MASK, ROOT_SIZE, type TreeLayout } from './map.ts'
import { LAST, type Word, writeRanges } from './word-box.ts'

/** Values of a word, both ends included. */
export interface WordRange {
  readonly low: Point
  readonly high: Point
}

/** A range for each of the words that are compared. */
export type WordRanges = readonly WordRange[]

/** What is asked of packets, and what they are told; of two that match the smaller position counts. */
export interface WordBox {
  readonly ranges: WordRanges
  readonly answer: number
  readonly position: number
}

export interface Trees {
  readonly layout: TreeLayout
  readonly bytes: Uint8Array
}

export const meets = (one: WordRanges, other: WordRanges): boolean =>
  one.every(({ low, high }, word) => {
    const range = other[word]
    return range !== undefined && low <= range.high && range.low <= high
  })

export const covers = (outer: WordRanges, inner: WordRanges): boolean =>
  outer.every(({ low, high }, word) => {
    const range = inner[word]
    return range !== undefined && low <= range.low && range.high <= high
  })

const HALF: WordRange = { low: 0n, high: 0xffff_ffff_ffff_ffffn }

/** All that words can be. */
export const everywhere = ({ words }: Pick<TreeLayout, 'words'>): WordRanges =>
  words.map((_, at) => wholeOf(words, at))

function wholeOf(words: readonly Word[], at: number): WordRange {
  const { field, half } = words[at] ?? {}
  if (!field || half === 1 || words[at + 1]?.half === 1) return HALF
  // what is no half has as many bits in either family, or is an address of IPv4
  const { low, end } = domain(field, 4)
  return typeof end === 'bigint' ? { low, high: end - 1n } : { low, high: end - 1 }
}

export const isLeaf = (reference: number): boolean => reference >= LEAF

/** The offset of a leaf's first box; undefined where it has none. */
export const leafAt = (reference: number, { lastBox }: Pick<TreeLayout, 'lastBox'>): number | undefined => {
  const offset = (reference & OFFSET_MASK) >>> 0
  return offset <= lastBox ? offset : undefined
}

export const viewOf = ({ bytes }: Pick<Trees, 'bytes'>): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The offsets of the boxes of a leaf, in order. */
export function boxesOf({ layout: { box }, bytes }: Trees, leaf: number): readonly number[] {
  const view = viewOf({ bytes })
  const offsets = [leaf]
  for (let at = leaf; view.getUint32(at + box.position, true) < LAST; offsets.push(at)) at += box.size
  return offsets
}

export function readBox({ layout, bytes }: Trees, at: number): WordBox {
  const view = viewOf({ bytes })
  let from = at
  const ranges = layout.words.map(({ bits }): WordRange => {
    const own = from
    from += bits / 4
    if (bits === 64) {
      const low = view.getBigUint64(own, true)
      return { low, high: low + view.getBigUint64(own + 8, true) }
    }
    const low = view.getUint32(own, true)
    return { low, high: low + view.getUint32(own + 4, true) }
  })
  const position = view.getUint32(at + layout.box.position, true) & (LAST - 1)
  return { ranges, answer: view.getUint32(at + layout.box.answer, true), position }
}

/** Whether packets that match the box at an offset can have words in such ranges; thousands are asked, so none is read. */
export function meetsAt(quads: Uint32Array, at: number, words: readonly Word[], ranges: WordRanges): boolean {
  let quad = at >> 2
  for (let word = 0; word < words.length; word++) {
    const range = ranges[word]
    if (!range) return false
    const isWide = words[word]?.bits === 64
    const low = isWide ? wideAt(quads, quad) : (quads[quad] ?? 0)
    if (low > range.high) return false
    const high = typeof low === 'bigint' ? low + wideAt(quads, quad + 2) : low + (quads[quad + 1] ?? 0)
    if (high < range.low) return false
    quad += isWide ? 4 : 2
  }
  return true
}

const wideAt = (quads: Uint32Array, quad: number): bigint =>
  (BigInt(quads[quad + 1] ?? 0) << 32n) | BigInt(quads[quad] ?? 0)

/** Without LAST. */
export function writeBox({ layout, bytes }: Trees, at: number, { ranges, answer, position }: WordBox): void {
  const view = viewOf({ bytes })
  writeRanges(view, at, layout.words, word => ranges[word])
  view.setUint32(at + layout.box.answer, answer, true)
  view.setUint32(at + layout.box.position, position, true)
}

/** How the knots of trees lead to one another, each found by its number. */
export interface Descent {
  /** Which tree it is of. */
  readonly treeOf: Int32Array
  /** Where the reference to it stands, in fours of bytes. */
  readonly aboveAt: Int32Array
  /** And where others do: below a cut of a wide field, which is several comparisons. */
  readonly others: ReadonlyMap<number, readonly number[]>
}

/** The first offset of a knot, and of a box. */
export const knotsAt = ({ trees }: TreeLayout): number => ROOT_SIZE * trees
export const boxesAt = ({ lastKnot, words }: TreeLayout): number => lastKnot + knotLayout(words).size

/** A knot stands behind the one that leads to it (Knots in knot.ts), so one pass finds all. */
export function descentOf({ layout, bytes }: Trees): Descent {
  const [from, { size }] = [knotsAt(layout), knotLayout(layout.words)]
  const count = (boxesAt(layout) - from) / size
  const [treeOf, aboveAt] = [new Int32Array(count).fill(-1), new Int32Array(count)]
  const others = new Map<number, number[]>()
  eachReference({ layout, bytes }, treeOf, (quad, to, tree) => {
    if (to >= LEAF) return
    const number = (to - from) / size
    if (treeOf[number] === -1) {
      treeOf[number] = tree
      aboveAt[number] = quad
    } else others.set(number, [...(others.get(number) ?? []), quad])
  })
  return { treeOf, aboveAt, others }
}

/** The same for references to some leaves: where none of them stands in a knot, no knot need be known. */
export function descentTo(trees: Trees, leaves: Iterable<number>): Descent {
  const knots = quadsOf(trees).subarray(knotsAt(trees.layout) >> 2, boxesAt(trees.layout) >> 2)
  // cuts may look like it, and then all knots are gone through for nothing
  for (const leaf of leaves) if (knots.includes(LEAF + leaf)) return descentOf(trees)
  return { treeOf: new Int32Array(0), aboveAt: new Int32Array(0), others: new Map() }
}

export const quadsOf = ({ bytes }: Pick<Trees, 'bytes'>): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)

/** Each reference to a leaf with boxes: where it stands in fours of bytes, the leaf, and the tree. */
export function eachWay(
  trees: Trees,
  { treeOf }: Descent,
  each: (quad: number, leaf: number, tree: number) => void,
): void {
  eachReference(trees, treeOf, (quad, to, tree) => {
    if (to >= LEAF && to - LEAF <= trees.layout.lastBox) each(quad, to - LEAF, tree)
  })
}

/** Each reference of roots, and of knots that are known to be of a tree when their turn comes: where it stands in fours of bytes, what it is, and the tree. */
function eachReference(
  { layout, bytes }: Trees,
  treeOf: Int32Array,
  each: (quad: number, to: number, tree: number) => void,
): void {
  const quads = quadsOf({ bytes })
  const [from, { size, reference }] = [knotsAt(layout), knotLayout(layout.words)]
  const lead = (quad: number, tree: number): void => each(quad, quads[quad] ?? 0, tree)
  for (let tree = 0; tree < layout.trees; tree++) lead((ROOT_SIZE * tree + 4) >> 2, tree)
  const ways = reference(WAYS)
  for (let knot = 0; knot < treeOf.length; knot++) {
    const tree = treeOf[knot] ?? -1
    const first = (from + knot * size + ways) >> 2
    for (let way = first; tree >= 0 && way < first + WAYS; way++) lead(way, tree)
  }
}

/** What packets can have that take a reference, and maybe some others; undefined where none does. */
export function regionOf(trees: Trees, descent: Descent, quad: number): WordRanges | undefined {
  const { layout } = trees
  if (quad < knotsAt(layout) >> 2) return everywhere(layout)
  const number = Math.floor((4 * quad - knotsAt(layout)) / knotLayout(layout.words).size)
  const ways = [descent.aboveAt[number] ?? 0, ...(descent.others.get(number) ?? [])]
  return ways
    .map(way => regionOf(trees, descent, way))
    .map(region => region && regionBelow(trees, number, quad, region))
    .reduce((all, region) => (all && region ? hull(all, region) : (all ?? region)))
}

/** What of the region of a knot takes a reference in it. */
function regionBelow(
  { layout, bytes }: Trees,
  number: number,
  quad: number,
  above: WordRanges,
): WordRanges | undefined {
  const view = viewOf({ bytes })
  const knot = knotLayout(layout.words)
  const at = knotsAt(layout) + number * knot.size
  const way = WAYS + (4 * quad - at - knot.reference(WAYS)) / 4
  let region: WordRanges | undefined = above
  for (let shift = LEVELS; shift > 0 && region; shift--) {
    const branch = way >> shift
    const word = view.getUint8(at + knot.word(branch)) >> 3
    region = sidesOf(region, word, cutAt(view, at, knot, branch))[(way >> (shift - 1)) & 1]
  }
  return region
}

const hull = (one: WordRanges, other: WordRanges): WordRanges =>
  one.map(({ low, high }, word) => {
    const { low: from = low, high: to = high } = other[word] ?? {}
    return { low: low < from ? low : from, high: high > to ? high : to }
  })

/** What of a region is below a cut, and what is not. */
function sidesOf(
  region: WordRanges,
  word: number,
  at: Point,
): readonly [WordRanges | undefined, WordRanges | undefined] {
  const { low = 0, high = 0 } = region[word] ?? {}
  if (high < at) return [region, undefined]
  if (low >= at) return [undefined, region]
  const [cut, below] = typeof low === 'bigint' ? [BigInt(at), BigInt(at) - 1n] : [Number(at), Number(at) - 1]
  return [region.with(word, { low, high: below }), region.with(word, { low: cut, high })]
}

const cutAt = (view: DataView, knot: number, { cut, cutBits }: KnotLayout, branch: number): Point =>
  cutBits === 32 ? view.getUint32(knot + cut(branch), true) : view.getBigUint64(knot + cut(branch), true)
