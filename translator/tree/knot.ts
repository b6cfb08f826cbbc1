// Three levels of a tree side by side: the branches of a tree in a map (map.ts draws them), before they are bytes.

import type { FieldName } from '../field.ts'
import type { BoxList } from './box-list.ts'
import type { BoxLeaf } from './build.ts'
import type { Point } from './interval.ts'
import { LeafList } from './leaf-list.ts'
import type { Node } from './node.ts'
import type { Word } from './word-box.ts'

/** Set in the reference of a leaf. */
export const LEAF = 0x8000_0000
export const LEVELS = 3
/** In a knot, and the ways out of it. */
export const BRANCHES = 2 ** LEVELS - 1
export const WAYS = 2 ** LEVELS
const REFERENCES_SIZE = 4 * WAYS
/** A half of an address. */
const GREATEST = 0xffff_ffff_ffff_ffffn

/** Where in a knot things stand; branches are numbered as in a heap, from 1. */
export interface KnotLayout {
  readonly size: number
  readonly cutBits: 32 | 64
  cut(branch: number): number
  word(branch: number): number
  /** Of the way out that would be the branch of that number, were there one level more. */
  reference(branch: number): number
}

export function knotLayout(words: readonly Word[]): KnotLayout {
  const cutBits = words.some(({ bits }) => bits === 64) ? 64 : 32
  const cutsEnd = REFERENCES_SIZE + (BRANCHES * cutBits) / 8
  return {
    size: Math.ceil((cutsEnd + BRANCHES) / 8) * 8,
    cutBits,
    cut: branch => REFERENCES_SIZE + ((branch - 1) * cutBits) / 8,
    word: branch => cutsEnd + branch - 1,
    reference: branch => 4 * (branch - WAYS),
  }
}

/** Bytes of knots there is room for at first: a rule set may have hundreds of small trees. */
const FIRST_ROOM = 1 << 12

type Branching = Extract<Node<BoxLeaf>, { kind: 'branch' }>

/** Knots as they are made. Until they are written they refer to one another by their numbers, and to leaves by LEAF and their numbers. */
export class Knots {
  readonly layout: KnotLayout
  depth = 0
  length = 0
  readonly #leaves = new LeafList()
  /** For each field where its words are, in what is compared. */
  readonly #offsets: ReadonlyMap<FieldName, WordOffsets>
  /** The knots as they will stand in the map, but for their references; in bytes, and four of them at a time. */
  #bytes = new Uint8Array(FIRST_ROOM)
  #quads = new Uint32Array(this.#bytes.buffer)
  /** Where in a knot its ways stand, in fours of bytes. */
  readonly #ways: number

  constructor(words: readonly Word[]) {
    this.layout = knotLayout(words)
    this.#ways = this.layout.reference(WAYS) >> 2
    this.#offsets = new Map(words.map(({ field }) => [field, wordOffsets(words, field)]))
  }

  /** The boxes of the leaves; those of which several have the same are one. */
  get leaves(): readonly BoxList[] {
    return this.#leaves.all
  }

  reference(node: Node<BoxLeaf>, depth: number): number {
    if (node.kind === 'leaf') return LEAF + this.#leaves.add(node.candidates)
    const knot = this.#add()
    this.depth = Math.max(this.depth, depth + 1)
    if (this.#isWide(node)) this.#wide(node, knot, depth)
    else this.#fill(node, knot, 1, depth)
    return knot
  }

  /** A knot in which every packet goes above, since no word is less than 0. */
  #add(): number {
    const at = this.layout.size * this.length
    if (at + this.layout.size > this.#bytes.length) this.#grow()
    const first = (at >> 2) + this.#ways
    this.#quads.fill(LEAF, first, first + WAYS)
    return this.length++
  }

  #grow(): void {
    const room = new Uint8Array(2 * this.#bytes.length)
    room.set(this.#bytes)
    this.#bytes = room
    this.#quads = new Uint32Array(room.buffer)
  }

  /** Where a node is no branch that a word decides, what is below it in the knot leads to it. */
  #fill(node: Node<BoxLeaf>, knot: number, branch: number, depth: number): void {
    if (branch > BRANCHES) return this.#lead(knot, branch, this.reference(node, depth + 1))
    if (node.kind === 'leaf' || this.#isWide(node)) return this.#fill(node, knot, 2 * branch + 1, depth)
    const { first, second } = this.#offsetsOf(node.field)
    this.#cut(knot, branch, first, second === undefined ? node.at : BigInt(node.at) >> 64n)
    this.#fill(node.below, knot, 2 * branch, depth)
    this.#fill(node.above, knot, 2 * branch + 1, depth)
  }

  /** A cut through the low half of a field. */
  #isWide({ field, at }: Branching): boolean {
    return (
      typeof at === 'bigint' && this.#offsetsOf(field).second !== undefined && BigInt.asUintN(64, at) > 0n
    )
  }

  /** Three comparisons: less in the high half, greater in it, or else less in the low half. */
  #wide({ field, at, below, above }: Branching, knot: number, depth: number): void {
    const { first: offset } = this.#offsetsOf(field)
    const [high, low] = [BigInt(at) >> 64n, BigInt.asUintN(64, BigInt(at))]
    const [under, over] = [this.reference(below, depth + 1), this.reference(above, depth + 1)]
    this.#cut(knot, 1, offset, high)
    this.#leadAll(knot, 2, under)
    // beyond the greatest high half there is nothing
    const third = high === GREATEST ? 3 : 6
    if (third === 6) {
      this.#cut(knot, 3, offset, high + 1n)
      this.#leadAll(knot, 7, over)
    }
    this.#cut(knot, third, offset + 8, low)
    this.#leadAll(knot, 2 * third, under)
    this.#leadAll(knot, 2 * third + 1, over)
  }

  #cut(knot: number, branch: number, offset: number, value: Point): void {
    const { size, cutBits, cut, word } = this.layout
    const at = size * knot
    const quad = (at + cut(branch)) >> 2
    this.#quads[quad] = typeof value === 'number' ? value : Number(value & 0xffff_ffffn)
    if (cutBits === 64) this.#quads[quad + 1] = typeof value === 'number' ? 0 : Number(value >> 32n)
    this.#bytes[at + word(branch)] = offset
  }

  #lead(knot: number, way: number, reference: number): void {
    this.#quads[(this.layout.size * knot + this.layout.reference(way)) >> 2] = reference
  }

  /** A branch that is not cut leads above. */
  #leadAll(knot: number, branch: number, reference: number): void {
    if (branch > BRANCHES) this.#lead(knot, branch, reference)
    else this.#leadAll(knot, 2 * branch + 1, reference)
  }

  #offsetsOf(field: FieldName): WordOffsets {
    const known = this.#offsets.get(field)
    if (known) return known
    throw new RangeError(`the trees have no word for ${field}`)
  }

  /** Writes the knots from an offset on; `offsetOf` says what stands for a reference there. */
  write(bytes: Uint8Array, from: number, offsetOf: (reference: number) => number): void {
    const { size } = this.layout
    bytes.set(this.#bytes.subarray(0, size * this.length), from)
    const quads = new Uint32Array(bytes.buffer)
    for (let knot = 0; knot < this.length; knot++) {
      const first = ((from + size * knot) >> 2) + this.#ways
      for (let way = first; way < first + WAYS; way++) quads[way] = offsetOf(quads[way] ?? 0)
    }
  }
}

/** Where the word of a field is, in what is compared; or where its two halves are. */
interface WordOffsets {
  readonly first: number
  readonly second: number | undefined
}

function wordOffsets(words: readonly Word[], field: FieldName): WordOffsets {
  const offsetOf = (half: 0 | 1): number =>
    8 * words.findIndex(word => word.field === field && word.half === half)
  const second = offsetOf(1)
  return { first: offsetOf(0), second: second < 0 ? undefined : second }
}
