// What items have in common that ask about the same fields in the same order, and of the same ones for a single value. There are few such
// shapes, however many the items.

import type { FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import type { Item } from '../item.ts'
import { isSingle } from './interval.ts'

export class ShapeMap<T> {
  readonly #known = new Map<readonly FieldName[], Map<number, { readonly value: T }>>()

  /** What is known of an item's shape, found out with its first. */
  of(item: Item, find: (item: Item) => T): T {
    const sets = FieldSets.of(item.sets)
    const which = singlesOf(sets)
    const known = this.#known.get(sets.names)?.get(which)
    if (known) return known.value
    const value = find(item)
    const own = this.#known.get(sets.names) ?? new Map<number, { readonly value: T }>()
    this.#known.set(sets.names, own.set(which, { value }))
    return value
  }
}

/** A bit for each field of which one value is asked; a rule asks about far less than 53 fields. */
function singlesOf(sets: FieldSets): number {
  let bits = 0
  for (let at = 0, bit = 1; at < sets.size; at++, bit *= 2) if (isSingle(sets.at(at))) bits += bit
  return bits
}
