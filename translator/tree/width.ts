// How many values of a field each box of a space takes, for telling wide boxes from narrow ones. They are told apart by several fields again and again.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import type { Axis, Space } from './space.ts'

export class Widths {
  readonly #space: Space
  readonly #family: Family
  readonly #known = new Map<FieldName, Float64Array>()

  constructor(space: Space, family: Family) {
    this.#space = space
    this.#family = family
  }

  /** For each of some boxes whether it takes such a share of all values of a field, and how many do. */
  wide(
    ids: Int32Array,
    field: FieldName,
    share: number,
  ): { readonly wide: Uint8Array; readonly count: number } {
    const widths = this.#of(field)
    const { low, end } = domain(field, this.#family)
    const least = share * (Number(end) - Number(low))
    const wide = new Uint8Array(ids.length)
    let count = 0
    for (let at = 0; at < ids.length; at++)
      if ((widths[ids[at] as number] as number) >= least) {
        wide[at] = 1
        count++
      }
    return { wide, count }
  }

  /** Of all boxes; a box that reaches to the end of the field, or of which nothing is asked there, takes any number. */
  #of(field: FieldName): Float64Array {
    const known = this.#known.get(field)
    if (known) return known
    const { axes, itemOf, ...columns } = this.#space
    const axis = axes.findIndex(one => one.field === field)
    const widths = new Float64Array(itemOf.length).fill(Number.POSITIVE_INFINITY)
    const [lows, ends, points] = [columns.lows[axis], columns.ends[axis], pointsOf(axes[axis])]
    for (let id = 0; lows && ends && id < widths.length; id++) {
      const end = ends[id] ?? 0
      if (end < points.length) widths[id] = (points[end] ?? 0) - (points[lows[id] ?? 0] ?? 0)
    }
    this.#known.set(field, widths)
    return widths
  }
}

const pointsOf = (axis: Axis | undefined): Uint32Array | Float64Array =>
  axis?.starts instanceof Uint32Array ? axis.starts : Float64Array.from(axis?.starts ?? [], Number)
