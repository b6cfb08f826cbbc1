// Blocks by the items they were made of. Several programs often ask the same of the rules of a chain: those of INPUT and in front of it, or those of two
// base chains that call it. Making blocks is most of the work of a translation, and they never change.

import type { Family } from 'iptables-parser'
import { type Block, blocksOf, type SeparatedBlock, type Strategies } from './chain.ts'
import { FieldSets } from './field-sets.ts'
import type { Item } from './item.ts'
import type { TreeMap } from './tree/map.ts'

interface Made {
  readonly items: readonly Item[]
  readonly strategies: Strategies
  readonly blocks: readonly Block[]
}

/** Good for rule sets that number what counts alike. */
export class PlanMemory {
  readonly #made = new Map<string, Made[]>()
  readonly #trees = new Map<SeparatedBlock, TreeMap>()

  /** The blocks of a chain, which is named uniquely in its family. */
  blocksOf(chain: string, items: readonly Item[], family: Family, strategies: Strategies): readonly Block[] {
    const key = `${family} ${chain}`
    const known = this.#made.get(key) ?? []
    const same = known.find(made => isSamePlain(made.strategies, strategies) && areSame(made.items, items))
    if (same) return same.blocks
    const blocks = blocksOf(items, family, strategies)
    this.#made.set(key, [...known, { items, strategies, blocks }])
    return blocks
  }

  /** The trees of a block as a map holds them, which says the same for all programs: where a rule counts, and what it does. */
  treesOf(block: SeparatedBlock, write: () => TreeMap): TreeMap {
    const known = this.#trees.get(block)
    if (known) return known
    const trees = write()
    this.#trees.set(block, trees)
    return trees
  }
}

function areSame(a: readonly Item[], b: readonly Item[]): boolean {
  if (a.length !== b.length) return false
  for (const [at, item] of a.entries()) {
    const other = b[at]
    if (!other || !isSameItem(item, other)) return false
  }
  return true
}

const isSameItem = (a: Item, b: Item): boolean =>
  a.rule === b.rule &&
  isSamePlain(a.outcome, b.outcome) &&
  FieldSets.of(a.sets).isSame(FieldSets.of(b.sets)) &&
  (a.rest.length > 0 || b.rest.length > 0 ? isSamePlain(a.rest, b.rest) : true)

/** Whether two values are the same that are made of nothing but numbers, texts, lists and objects; a set only where it is one object. */
function isSamePlain(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || a instanceof Set) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => isSamePlain(Reflect.get(a, key), Reflect.get(b, key)))
}
