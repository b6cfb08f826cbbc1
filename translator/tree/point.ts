// The points along a field at which boxes begin or end, sorted. Those of most fields are numbers, which stand and sort in a typed array.

import type { Point } from './interval.ts'

/** Points in ascending order, each once. */
export type PointColumn = Uint32Array | readonly bigint[]

/** The number of the first that is not less; how many there are where all are. None before `from` is; where it is the one, that is found at once. */
export function segmentAt(points: PointColumn, point: Point, from = 0): number {
  if (points instanceof Uint32Array && typeof point === 'number') return numberAt(points, point, from)
  let low = from
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] ?? 0) < point) low = middle + 1
    else high = middle
  }
  return low
}

/** The same of numbers. */
function numberAt(points: Uint32Array, point: number, from: number): number {
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
