// Items that let no packet past them, found by where they lie along all fields: of tens of thousands a rule has to do with a few.

import type { Family } from 'iptables-parser'
import type { Item } from './item.ts'
import { type Space, spaceOf } from './tree/space.ts'

/** An item that lets no packet past it, and the number of its rule. */
export interface Taker extends Pick<Item, 'sets'> {
  readonly number: number
}

/** Segments of each axis that a box, or several with what lies between them, reach over. */
interface Hull {
  readonly low: number
  readonly end: number
}

/** Cells that the segments of an axis fall into, and how many of them a box may reach over to be found by them. */
const MOST_CELLS = 4096
const FEW_CELLS = 8

export class Takers {
  readonly #space: Space
  /** For each item its first box; those of an item stand side by side. */
  readonly #firstBox = new Map<Item, number>()
  /** Axes by how much they tell apart. */
  readonly #axes: readonly number[]
  /** All boxes, and those that reach over few cells of the first axis, by cell; and the others. */
  readonly #boxes: number[] = []
  readonly #cells: readonly number[][]
  readonly #wide: number[] = []
  /** Segments of a cell. */
  readonly #cell: number
  /** For each box the number of the rule. */
  readonly #numbers: Int32Array

  /** With all items that will be added, or asked about. */
  constructor(items: readonly Item[], family: Family) {
    this.#space = spaceOf(items, family)
    const { axes, itemOf } = this.#space
    for (let box = itemOf.length - 1; box >= 0; box--) {
      const item = items[itemOf[box] ?? 0]
      if (item) this.#firstBox.set(item, box)
    }
    const segments = axes.map(({ starts }) => starts.length)
    this.#axes = [...axes.keys()].sort((a, b) => (segments[b] ?? 0) - (segments[a] ?? 0))
    this.#numbers = new Int32Array(itemOf.length)
    const most = Math.max(1, ...segments)
    this.#cell = Math.ceil(most / MOST_CELLS)
    this.#cells = Array.from({ length: Math.ceil(most / this.#cell) }, () => [])
  }

  add(item: Item, number: number): void {
    for (const box of this.#boxesOf(item)) {
      this.#boxes.push(box)
      this.#numbers[box] = number
      const cells = this.#cellsOf(this.#hull(this.#axes[0] ?? 0, [box]))
      for (const cell of cells.length > FEW_CELLS ? [this.#wide] : cells) cell.push(box)
    }
  }

  /** Those added so far that may have packets in common with an item, in order. */
  near(item: Item): readonly Taker[] {
    const { items, itemOf } = this.#space
    const own = this.#boxesOf(item)
    const hulls = this.#axes.map(axis => this.#hull(axis, own))
    const near = new Map<Item, Taker>()
    for (const box of this.#around(hulls[0])) {
      if (!this.#reaches(box, hulls)) continue
      const taker = items[itemOf[box] ?? 0]
      if (taker) near.set(taker, { sets: taker.sets, number: this.#numbers[box] ?? 0 })
    }
    return [...near.values()]
  }

  /** In order, without most of those that lie elsewhere along the first axis. */
  #around(hull: Hull = { low: 0, end: 1 }): Iterable<number> {
    const cells = this.#cellsOf(hull)
    if (cells.length > FEW_CELLS) return this.#boxes
    return new Set([...this.#wide, ...cells.flat()].sort((a, b) => a - b))
  }

  #cellsOf({ low, end }: Hull): readonly number[][] {
    return this.#cells.slice(Math.floor(low / this.#cell), Math.ceil(end / this.#cell))
  }

  #boxesOf(item: Item): readonly number[] {
    const { itemOf } = this.#space
    const first = this.#firstBox.get(item)
    if (first === undefined) return []
    let count = 1
    while (itemOf[first + count] === itemOf[first]) count++
    return Array.from({ length: count }, (_, index) => first + index)
  }

  #hull(axis: number, boxes: readonly number[]): Hull {
    const { lows, ends } = this.#space
    return {
      low: Math.min(...boxes.map(box => lows[axis]?.[box] ?? 0)),
      end: Math.max(...boxes.map(box => ends[axis]?.[box] ?? 0)),
    }
  }

  #reaches(box: number, hulls: readonly Hull[]): boolean {
    const { lows, ends } = this.#space
    for (let at = 0; at < hulls.length; at++) {
      const [axis, hull] = [this.#axes[at] ?? 0, hulls[at]]
      if (!hull || (lows[axis]?.[box] ?? 0) >= hull.end || (ends[axis]?.[box] ?? 0) <= hull.low) return false
    }
    return true
  }
}
