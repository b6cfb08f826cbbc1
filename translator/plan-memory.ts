// Blocks by the items they were made of. Several programs often ask the same of the rules of a chain: those of INPUT and in front of it, or those of two
// base chains that call it. Making blocks is most of the work of a translation, and they never change.

import type { Family, Rule, Table, TableName } from 'iptables-parser'
import { blocksOf, type SeparatedBlock, type Strategies } from './chain.ts'
import { type ChainItems, chainItems, type Making } from './chain-items.ts'
import { CutChain } from './cut-chain.ts'
import type { Holders } from './emit/alike.ts'
import type { FieldName } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { endsAll, type Item } from './item.ts'
import type { Plan } from './plan.ts'
import type { Dispatch } from './tree/dispatch.ts'
import { buildHashTable, type Entries, type HashTable } from './tree/hash-table.ts'
import type { TreeMap } from './tree/map.ts'

/** A plan, and what it was made of. */
interface PlanMade {
  readonly table: Table
  readonly chains: Chains
  readonly strategies: Strategies
  /** Those of the chains of which not all is the same for all programs. */
  readonly own: readonly string[]
  readonly plan: Plan
}

/** What items are made for that is not known of the table. */
type ChainMaking = Pick<Making, 'first' | 'itemsOf'>

type Chains = ReadonlyMap<string, CutChain>

/** Good for rule sets that number what counts alike. */
export class PlanMemory {
  readonly #of = new Map<string, TableMemory>()
  readonly #strategies = new DistinctStrategies()
  readonly #holders = new Map<Plan, Holders>()
  readonly #tables = new Map<Dispatch, { readonly entries: Entries; readonly table: HashTable | undefined }>()
  readonly #trees = new Map<string, Map<SeparatedBlock, TreeMap>>()

  /** What is remembered of a table's chains. */
  of(family: Family, table: TableName): TableMemory {
    const key = `${family} ${table}`
    const known = this.#of.get(key) ?? new TableMemory(family, this.#strategies)
    this.#of.set(key, known)
    return known
  }

  /** The table of a look-up; programs whose entries are the same have the same one. */
  tableOf(dispatch: Dispatch, entries: Entries): HashTable | undefined {
    const before = this.#tables.get(dispatch)
    if (
      before &&
      isSameBytes(before.entries.keys, entries.keys) &&
      isSameBytes(before.entries.values, entries.values)
    )
      return before.table
    const table = buildHashTable(entries)
    this.#tables.set(dispatch, { entries, table })
    return table
  }

  /** In which functions the chains of a plan stand. */
  holdersOf(plan: Plan, find: () => Holders): Holders {
    const holders = this.#holders.get(plan) ?? find()
    this.#holders.set(plan, holders)
    return holders
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

/** Strategies that say the same are one object: what is made of thousands of chains is told apart by them. */
class DistinctStrategies {
  readonly #known = new WeakMap<Strategies, Strategies>()
  /** Those that say different things, of which there are few. */
  readonly #distinct: Strategies[] = []
  /** Most ask for those that were asked for last. */
  #last: { readonly asked: Strategies; readonly found: Strategies } | undefined

  find(asked: Strategies): Strategies {
    if (this.#last?.asked === asked) return this.#last.found
    const found = this.#known.get(asked) ?? this.#distinct.find(one => isSamePlain(one, asked)) ?? asked
    if (found === asked) this.#distinct.push(found)
    this.#known.set(asked, found)
    this.#last = { asked, found }
    return found
  }
}

/** Chains of one table, by their names, and the plans of its base chains. */
export class TableMemory {
  readonly #family: Family
  readonly #strategies: DistinctStrategies
  /** Of each chain the last. */
  readonly #items = new Map<string, ChainItems>()
  /** Whether any of them has items that are a program's own. */
  #hasOwn = false
  /** Of each chain the last for each of the strategies that it was cut with. */
  readonly #cut = new Map<string, readonly CutChain[]>()
  readonly #plans = new Map<string, PlanMade>()

  constructor(family: Family, strategies: DistinctStrategies) {
    this.#family = family
    this.#strategies = strategies
  }

  /** The items of a chain, of which what is the same for all programs is made once. */
  itemsOf(chain: string, rules: readonly Rule[], { first, itemsOf }: ChainMaking): readonly Item[] {
    const known = this.#items.get(chain)
    const made = chainItems(rules, { first, family: this.#family, known, itemsOf })
    if (made !== known) this.#items.set(chain, made)
    this.#hasOwn ||= made.own !== undefined
    return made.items
  }

  /** A chain in blocks. Items that were seen before are not kept a second time. */
  chainOf(chain: string, items: readonly Item[], strategies: Strategies): CutChain {
    const how = this.#strategies.find(strategies)
    const all = this.#cut.get(chain) ?? NONE
    const alike = all.find(made => made.strategies === how)
    if (alike?.items === items) return alike
    const before = alike ?? all.at(-1)
    const met = withoutUnmetCalls(items)
    const own = before && before.items !== met ? inPlaceOf(before.items, met) : met
    if (alike && own === alike.items) return alike
    const made = new CutChain(chain, own, how, blocksOf(own, this.#family, how))
    this.#cut.set(chain, alike ? all.map(one => (one === alike ? made : one)) : withOne(all, made))
    return made
  }

  /** The plan of a base chain that was made before, if its chains are the same for the program that asks. Only those that may not be are made. */
  planKnown(
    base: string,
    { table, strategies }: Pick<PlanMade, 'table' | 'strategies'>,
    chainOf: (name: string) => CutChain,
  ): Plan | undefined {
    const before = this.#plans.get(base)
    if (before?.table !== table || before.strategies !== this.#strategies.find(strategies)) return undefined
    return before.own.every(name => chainOf(name) === before.chains.get(name)) ? before.plan : undefined
  }

  /** The plan of a base chain, where its chains were cut into other blocks than before; else the one before. */
  planOf(
    base: string,
    { table, chains, strategies }: Pick<PlanMade, 'table' | 'chains' | 'strategies'>,
    plan: () => Plan,
  ): Plan {
    const before = this.#plans.get(base)
    const how = this.#strategies.find(strategies)
    if (before && before.strategies === how && areSame(before.chains, chains)) return before.plan
    const made = { table, chains, strategies: how, own: this.#ownIn(chains), plan: plan() }
    this.#plans.set(base, made)
    return made.plan
  }

  #ownIn(chains: Chains): readonly string[] {
    const own: string[] = []
    if (!this.#hasOwn) return own
    for (const name of chains.keys()) if (this.#items.get(name)?.own) own.push(name)
    return own
  }
}

const NONE: readonly CutChain[] = []

const withOne = (all: readonly CutChain[], made: CutChain): readonly CutChain[] =>
  all.length === 0 ? [made] : [...all, made]

/**
 * Without those behind one that every packet ends at, if there are calls among them. The kernel does not look for calls there (mark_source_chains in
 * net/ipv4/netfilter/ip_tables.c), so what they call may be a circle.
 */
function withoutUnmetCalls(items: readonly Item[]): readonly Item[] {
  let end = 0
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    if (end === 0) end = endsAll(item) ? at + 1 : 0
    else if ('chain' in item.outcome) return items.slice(0, end)
  }
  return items
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** Whether chains are in the same order and of the same blocks. */
function areSame(before: Chains, chains: Chains): boolean {
  if (before.size !== chains.size) return false
  const others = before.values()
  for (const { name, blocks } of chains.values()) {
    const other = others.next().value
    if (other?.name !== name || other.blocks !== blocks) return false
  }
  return true
}

/** The items, in each one's place an equal one of those before; these themselves, if there is no difference. */
function inPlaceOf(before: readonly Item[], items: readonly Item[]): readonly Item[] {
  let own: Item[] | undefined
  let at = 0
  for (const item of items) {
    const other = before[at]
    const known = other && (other === item || isSameItem(other, item)) ? other : undefined
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
