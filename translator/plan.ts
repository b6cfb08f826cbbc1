// Which chains a program needs, cut into blocks.

import type { Family, Rule, Table } from 'iptables-parser'
import { type CallGraph, callGraph } from './calls.ts'
import type { Strategies } from './chain.ts'
import { type ChainFunctions, chooseFunctions } from './chain-function.ts'
import type { CutChain } from './cut-chain.ts'
import type { ChainCode } from './edit/chain-code.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Item } from './item.ts'
import { type Obstacle, obstacleIn } from './nesting.ts'
import type { TableMemory } from './plan-memory.ts'
import { cutAmong, withinLimits } from './scarce.ts'
import type { SharedTrees } from './shared-trees.ts'

export interface Plan {
  readonly base: PlannedChain
  readonly chains: ReadonlyMap<string, CutChain>
  /** Those with other blocks than trees in code and rules that every packet goes on from: of thousands of chains few. */
  readonly mixed: readonly CutChain[]
  /** Of the chains that are called as functions; all others stand in place. */
  readonly functions: ChainFunctions
  /** How many functions can be called one by the other from each chain on. */
  readonly levels: ReadonlyMap<string, number>
  readonly graph: CallGraph
  /** Which trees stand in one map. */
  readonly shared: SharedTrees
  /** Why no program can hold it. */
  readonly obstacle?: Obstacle
}

/** What chains are planned with. */
export interface Planning {
  readonly family: Family
  readonly strategies: Strategies
  /** What is remembered of the table. */
  readonly memory: TableMemory
  /** Chains of which nothing is needed but how they are called. */
  readonly held?: ChainCode
  /** The items of a chain's rules; those of a rule may be none. */
  itemsOf(chain: string, rules: readonly Rule[]): readonly Item[]
}

/** Plans a base chain and all it can reach. */
export function planChains(table: Table, base: string, planning: Planning): Plan {
  const { held, memory } = planning
  // of many chains only few are planned then: trees that share a walk are less code than walks of their own
  const strategies = held ? { ...planning.strategies, ownMaps: 0 } : planning.strategies
  const rules = rulesReached(table, base)
  const all = held ? Number.POSITIVE_INFINITY : sizeOf(rules)
  const cut: Cutter = (name, items, instead) => {
    const first = cutAmong(rules.get(name)?.length ?? 0, all, strategies)
    return memory.chainOf(name, items, instead ? { ...first, ...instead } : first)
  }
  const chainOf = (name: string): CutChain => cut(name, planning.itemsOf(name, rules.get(name) ?? []))
  const plan = (reached: ChainsCut): Plan => planReached(reached, base, { ...planning, strategies }, cut)
  if (held) return plan(reachedFrom(base, held, chainOf))
  const made = { table, strategies }
  const known = memory.planKnown(base, made, chainOf)
  if (known) return known
  const chains = reachedFrom(base, undefined, chainOf)
  return memory.planOf(base, { ...made, chains }, () => plan(chains))
}

type ChainsCut = ReadonlyMap<string, CutChain>

function planReached(
  reached: ChainsCut,
  base: string,
  { family, strategies, held }: Planning,
  cut: Cutter,
): Plan {
  const { chains, shared, mixed } = withinLimits(
    reached,
    { family, strategies },
    ({ name, items }, instead) => cut(name, items, instead),
  )
  const graph = callGraph(base, chains)
  const { entries, functions: taken = [] } = held ?? {}
  const { functions, levels } = chooseFunctions(graph, chains, {
    family,
    shared,
    ...(entries && { held: entries }),
    taken: new Set(taken.map(({ name }) => name)),
  })
  const obstacle = obstacleIn(graph, chains, functions)
  return {
    base: chains.get(base) ?? { name: base, blocks: [] },
    chains,
    mixed,
    functions,
    levels,
    graph,
    shared,
    ...(obstacle && { obstacle }),
  }
}

type Cutter = (name: string, items: readonly Item[], instead?: Partial<Strategies>) => CutChain

type ChainRules = ReadonlyMap<string, readonly Rule[]>

/** How many rules there are. */
function sizeOf(rules: ChainRules): number {
  let size = 0
  rules.forEach(({ length }) => {
    size += length
  })
  return size
}

/** Rules by their chains: of a whole table, and of what is reached from each of its base chains. Several programs ask for them. */
interface TableRules {
  readonly all: ChainRules
  readonly reached: Map<string, ChainRules>
}

const rulesKnown = new WeakMap<Table, TableRules>()

function rulesIn(table: Table): TableRules {
  const known = rulesKnown.get(table)
  if (known) return known
  const all = new Map<string, readonly Rule[]>()
  for (const { name, rules } of table.chains) all.set(name, rules)
  const found = { all, reached: new Map<string, ChainRules>() }
  rulesKnown.set(table, found)
  return found
}

function rulesReached(table: Table, base: string): ChainRules {
  const { all, reached } = rulesIn(table)
  const known = reached.get(base) ?? rulesFrom(all, base)
  reached.set(base, known)
  return known
}

/** The rules of the chains that calls lead to, whether or not packets come to the calls. */
function rulesFrom(all: ChainRules, base: string): ChainRules {
  const reached = new Map<string, readonly Rule[]>([[base, all.get(base) ?? []]])
  // what is added meanwhile is gone through as well
  reached.forEach(rules => {
    for (let at = 0; at < rules.length; at++) {
      const target = rules[at]?.target
      const called = target && 'chain' in target ? target.chain : undefined
      if (called !== undefined && !reached.has(called)) reached.set(called, all.get(called) ?? [])
    }
  })
  return reached
}

function reachedFrom(
  base: string,
  held: ChainCode | undefined,
  chainOf: (name: string) => CutChain,
): Map<string, CutChain> {
  const chains = new Map<string, CutChain>()
  const pending = [base]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (chains.has(name) || held?.entries.has(name)) continue
    const one = chainOf(name)
    chains.set(name, one)
    for (let at = one.items.length - 1; at >= 0; at--) {
      const outcome = one.items[at]?.outcome
      if (outcome && 'chain' in outcome) pending.push(outcome.chain)
    }
  }
  return chains
}
