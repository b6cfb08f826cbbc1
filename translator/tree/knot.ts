// Three levels of a tree side by side: the branches of a tree in a map (map.ts draws them), before they are bytes.

import type { FieldName } from '../field.ts'
import type { Point } from './interval.ts'
import type { Node } from './node.ts'
import type { BoxLeaf } from './separate.ts'
import type { Word } from './word-box.ts'

/** Set in the reference of a leaf. */
export const LEAF = 0x8000_0000
const LEVELS = 3
/** In a knot, and the ways out of it. */
export const BRANCHES = 2 ** LEVELS - 1
const WAYS = 2 ** LEVELS
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

type Branching = Extract<Node<BoxLeaf>, { kind: 'branch' }>

/** Knots as they are made. Until they are written they refer to one another by their numbers, and to leaves by LEAF and their numbers. */
export class Knots {
  readonly layout: KnotLayout
  /** The boxes of the leaves; those of which several have the same are one. */
  readonly leaves: Int32Array[] = []
  depth = 0
  length = 0
  readonly #numbers = new Map<string, number>()
  readonly #words: readonly Word[]
  readonly #cuts: Point[] = []
  readonly #offsets: number[] = []
  readonly #references: number[] = []

  constructor(words: readonly Word[]) {
    this.#words = words
    this.layout = knotLayout(words)
  }

  reference(node: Node<BoxLeaf>, depth: number): number {
    if (node.kind === 'leaf') return this.#leaf(node.candidates)
    const knot = this.#add()
    this.depth = Math.max(this.depth, depth + 1)
    if (this.#isWide(node)) this.#wide(node, knot, depth)
    else this.#fill(node, knot, 1, depth)
    return knot
  }

  #leaf(ids: Int32Array): number {
    const key = ids.join()
    const number = this.#numbers.get(key) ?? this.leaves.length
    if (number === this.leaves.length) {
      this.#numbers.set(key, number)
      this.leaves.push(ids)
    }
    return LEAF + number
  }

  /** A knot in which every packet goes above, since no word is less than 0. */
  #add(): number {
    for (let branch = 0; branch < BRANCHES; branch++) {
      this.#cuts.push(0)
      this.#offsets.push(0)
    }
    for (let way = 0; way < WAYS; way++) this.#references.push(LEAF)
    return this.length++
  }

  /** Where a node is no branch that a word decides, what is below it in the knot leads to it. */
  #fill(node: Node<BoxLeaf>, knot: number, branch: number, depth: number): void {
    if (branch > BRANCHES) return this.#lead(knot, branch, this.reference(node, depth + 1))
    if (node.kind === 'leaf' || this.#isWide(node)) return this.#fill(node, knot, 2 * branch + 1, depth)
    const isHalved = this.#offset(node.field, 1) >= 0
    const cut = isHalved ? BigInt(node.at) >> 64n : node.at
    this.#cut(knot, branch, this.#offset(node.field, 0), cut)
    this.#fill(node.below, knot, 2 * branch, depth)
    this.#fill(node.above, knot, 2 * branch + 1, depth)
  }

  /** A cut through the low half of a field. */
  #isWide({ field, at }: Branching): boolean {
    return typeof at === 'bigint' && this.#offset(field, 1) >= 0 && BigInt.asUintN(64, at) > 0n
  }

  /** Three comparisons: less in the high half, greater in it, or else less in the low half. */
  #wide({ field, at, below, above }: Branching, knot: number, depth: number): void {
    const offset = this.#offset(field, 0)
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

  #cut(knot: number, branch: number, offset: number, cut: Point): void {
    this.#cuts[BRANCHES * knot + branch - 1] = cut
    this.#offsets[BRANCHES * knot + branch - 1] = offset
  }

  #lead(knot: number, way: number, reference: number): void {
    this.#references[WAYS * knot + way - WAYS] = reference
  }

  /** A branch that is not cut leads above. */
  #leadAll(knot: number, branch: number, reference: number): void {
    if (branch > BRANCHES) this.#lead(knot, branch, reference)
    else this.#leadAll(knot, 2 * branch + 1, reference)
  }

  #offset(field: FieldName, half: 0 | 1): number {
    return 8 * this.#words.findIndex(word => word.field === field && word.half === half)
  }

  write(view: DataView, from: number, offsetOf: (reference: number) => number): void {
    const { size, cutBits, cut, word, reference } = this.layout
    for (let knot = 0; knot < this.length; knot++) {
      const at = from + knot * size
      for (let branch = 1; branch <= BRANCHES; branch++) {
        const value = this.#cuts[BRANCHES * knot + branch - 1] ?? 0
        if (cutBits === 32) view.setUint32(at + cut(branch), Number(value), true)
        else view.setBigUint64(at + cut(branch), BigInt(value), true)
        view.setUint8(at + word(branch), this.#offsets[BRANCHES * knot + branch - 1] ?? 0)
      }
      for (let way = WAYS; way < 2 * WAYS; way++)
        view.setUint32(
          at + reference(way),
          offsetOf(this.#references[WAYS * knot + way - WAYS] ?? LEAF),
          true,
        )
    }
  }
}
