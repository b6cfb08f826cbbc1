// The points along a field at which boxes begin or end, sorted. Those of most fields are numbers, which stand and sort in a typed array.

import type { Point } from './interval.ts'

/** Points in ascending order, each once. */
export type PointColumn = Float64Array | readonly bigint[] | readonly number[]

/** Gathers points of a field, which are all numbers or all bigints. */
export class PointList {
  #numbers = new Float64Array(64)
  #count = 0
  readonly #wide: bigint[] = []

  constructor(first: Point) {
    this.add(first)
  }

  add(point: Point): void {
    if (typeof point === 'bigint') this.#wide.push(point)
    else {
      if (this.#count === this.#numbers.length) this.#grow()
      this.#numbers[this.#count++] = point
    }
  }

  #grow(): void {
    const room = new Float64Array(2 * this.#count)
    room.set(this.#numbers)
    this.#numbers = room
  }

  sorted(): PointColumn {
    if (this.#wide.length > 0) return this.#wideSorted()
    const sorted = this.#numbers.subarray(0, this.#count).sort()
    let kept = 0
    for (let at = 0; at < sorted.length; at++)
      if (at === 0 || sorted[at] !== sorted[kept - 1]) sorted[kept++] = sorted[at] ?? 0
    return sorted.slice(0, kept)
  }

  #wideSorted(): readonly bigint[] {
    const sorted = this.#wide.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    return sorted.filter((point, at) => at === 0 || point !== sorted[at - 1])
  }
}

/** The number of the first that is not less; how many there are where all are. None before `from` is; where it is the one, that is found at once. */
export function segmentAt(points: PointColumn, point: Point, from = 0): number {
  if (points instanceof Float64Array && typeof point === 'number') return numberAt(points, point, from)
  let low = from
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] ?? 0) < point) low = middle + 1
    else high = middle
  }
  return low
}

function numberAt(points: Float64Array, point: number, from: number): number {
  if ((points[from] ?? 0) >= point) return from
  let low = from
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] ?? 0) < point) low = middle + 1
    else high = middle
  }
  return low
}
