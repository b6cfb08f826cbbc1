// Blocks by the items they were made of. Several programs often ask the same of the rules of a chain: those of INPUT and in front of it, or those of two
// base chains that call it. Making blocks is most of the work of a translation, and they never change.

import type { Family } from 'iptables-parser'
import { type Block, blocksOf, type SeparatedBlock, type Strategies } from './chain.ts'
import type { FieldName } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { endsAll, type Item } from './item.ts'
import type { TreeMap } from './tree/map.ts'

/** A chain in blocks, and what they were made of. */
export interface Made {
  readonly items: readonly Item[]
  readonly strategies: Strategies
  readonly blocks: readonly Block[]
}

/** Good for rule sets that number what counts alike. */
export class PlanMemory {
  /** Of each chain the last. */
  readonly #made = new Map<string, Made>()
  readonly #trees = new Map<string, Map<SeparatedBlock, TreeMap>>()

  /** A chain, which is named uniquely in its family, in blocks. Items that were seen before are not kept a second time. */
  chainOf(chain: string, items: Iterable<Item>, family: Family, strategies: Strategies): Made {
    const key = `${family} ${chain}`
    const before = this.#made.get(key)
    const met = withoutUnmetCalls([...items])
    const own = before ? inPlaceOf(before.items, met) : met
    if (before && own === before.items && isSamePlain(before.strategies, strategies)) return before
    const made = { items: own, strategies, blocks: blocksOf(own, family, strategies) }
    this.#made.set(key, made)
    return made
  }

  /** The trees of a block as a map holds them, compared in words of these fields. It says the same for all programs: where a rule counts, and what it does. */
  treesOf(block: SeparatedBlock, fields: readonly FieldName[], write: () => TreeMap): TreeMap {
    const key = fields.join(' ')
    const all = this.#trees.get(key) ?? new Map<SeparatedBlock, TreeMap>()
    const trees = all.get(block) ?? write()
    this.#trees.set(key, all.set(block, trees))
    return trees
  }
}

/**
 * Without those behind one that every packet ends at, if there are calls among them. The kernel does not look for calls there (mark_source_chains in
 * net/ipv4/netfilter/ip_tables.c), so what they call may be a circle.
 */
function withoutUnmetCalls(items: readonly Item[]): readonly Item[] {
  const end = items.findIndex(endsAll) + 1
  const calls = end > 0 && items.slice(end).some(({ outcome }) => 'chain' in outcome)
  return calls ? items.slice(0, end) : items
}

/** The items, in each one's place an equal one of those before; these themselves, if there is no difference. */
function inPlaceOf(before: readonly Item[], items: readonly Item[]): readonly Item[] {
  let own: Item[] | undefined
  let at = 0
  for (const item of items) {
    const other = before[at]
    const known = other && isSameItem(other, item) ? other : undefined
    if (!known) own ??= before.slice(0, at)
    own?.push(known ?? item)
    at++
  }
  return own ?? (at === before.length ? before : before.slice(0, at))
}

const isSameItem = (a: Item, b: Item): boolean =>
  a.rule === b.rule &&
  isSamePlain(a.outcome, b.outcome) &&
  FieldSets.of(a.sets).isSame(FieldSets.of(b.sets)) &&
  (a.rest.length > 0 || b.rest.length > 0 ? isSamePlain(a.rest, b.rest) : true)

const isGathered = (value: object): boolean => value instanceof Set || value instanceof Map

/** Whether two values are the same that are made of nothing but numbers, texts, lists and objects; a set or a map only where it is one object. */
function isSamePlain(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || isGathered(a)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => isSamePlain(Reflect.get(a, key), Reflect.get(b, key)))
}
