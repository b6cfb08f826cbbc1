import type { Family } from 'iptables-parser'
import { cutsIn, itemsIn } from '../chain.ts'
import { domain, type FieldName, headerSizes, transport } from '../field.ts'
import type { Item } from '../item.ts'
import type { Plan } from '../plan.ts'
import { containsPoint, inclusive, intersect } from '../tree/interval.ts'

/** What a program asks of its prologue: the fields its rules look at, and the protocols whose transport headers they look into. */
export interface Needs {
  readonly fields: ReadonlySet<FieldName>
  readonly protocols: ReadonlySet<number>
}

export function needsOf({ chains }: Plan, family: Family): Needs {
  const blocks = [...chains.values()].flatMap(chain => chain.blocks)
  const items = blocks.flatMap(itemsIn)
  return {
    fields: new Set([...items.flatMap(fieldsOf), ...blocks.flatMap(cutsIn)].flatMap(withSources)),
    protocols: new Set(items.flatMap(item => protocolsOf(item, family))),
  }
}

/** A field, and the one it is found by. */
function withSources(field: FieldName): FieldName[] {
  if (field === 'saddr-type') return [field, 'saddr']
  return field === 'daddr-type' ? [field, 'daddr'] : [field]
}

const fieldsOf = ({ sets, rest }: Item): FieldName[] => [
  ...sets.keys(),
  ...rest.flatMap(test => (test.kind === 'any' ? test.tests.map(({ field }) => field) : [test.field])),
]

/** Extents that depend on how long the header of the packet's protocol is. */
const measured = inclusive(transport.whole, transport.short)

/** Those that the item can be about, if it asks how much of the transport header there is. Where a block is split by that, the items that hotdrop still ask. */
function protocolsOf({ sets }: Item, family: Family): number[] {
  if (intersect(sets.get('transport') ?? [], measured).length === 0) return []
  const set = sets.get('protocol') ?? [domain('protocol', family)]
  return Object.keys(headerSizes)
    .map(Number)
    .filter(protocol => containsPoint(set, protocol))
}
