// The same boxes in a space of more fields, of which none of them asks: for trees of several runs that are compared in the same words.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import type { Axis, Space } from './space.ts'

/** A space with these axes, in their order; all that it has must be among them. */
export function widened(space: Space, fields: readonly FieldName[], family: Family): Space {
  const boxes = space.itemOf.length
  const all = fields.map(field => {
    const at = space.axes.findIndex(axis => axis.field === field)
    const [axis, lows, ends] = [space.axes[at], space.lows[at], space.ends[at]]
    if (axis && lows && ends) return { axis, lows, ends }
    return {
      axis: wholeAxis(field, family),
      lows: new Int32Array(boxes),
      ends: new Int32Array(boxes).fill(1),
    }
  })
  return {
    ...space,
    axes: all.map(({ axis }) => axis),
    lows: all.map(({ lows }) => lows),
    ends: all.map(({ ends }) => ends),
  }
}

/** One segment, which takes all there is. */
function wholeAxis(field: FieldName, family: Family): Axis {
  const { low, end } = domain(field, family)
  return { field, starts: typeof low === 'number' ? Uint32Array.of(low) : [low], end }
}
