// Which chains a program needs, cut into blocks.

import type { Family, Rule, Table } from 'iptables-parser'
import { type CallGraph, callGraph, callsOf } from './calls.ts'
import type { Strategies } from './chain.ts'
import { type ChainFunctions, chooseFunctions } from './chain-function.ts'
import type { ChainCode } from './edit/chain-code.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Item } from './item.ts'
import { type Obstacle, obstacleIn } from './nesting.ts'
import type { PlanMemory } from './plan-memory.ts'
import { cutAmong, withinLimits } from './scarce.ts'
import { type SharedTrees, sharedTrees } from './shared-trees.ts'

export interface Plan {
  readonly base: PlannedChain
  readonly chains: ReadonlyMap<string, PlannedChain>
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
  readonly memory: PlanMemory
  /** Chains of which nothing is needed but how they are called. */
  readonly held?: ChainCode
  /** The items of a chain's rules; those of a rule may be none. */
  itemsOf(chain: string, rules: readonly Rule[]): readonly Item[]
}

/** Plans a base chain and all it can reach. */
export function planChains(table: Table, base: string, planning: Planning): Plan {
  const { family, held } = planning
  // of many chains only few are planned then: trees that share a walk are less code than walks of their own
  const strategies = held ? { ...planning.strategies, ownMaps: 0 } : planning.strategies
  const rules = rulesReached(table, base)
  const all = [...rules.values()].reduce((sum, { length }) => sum + length, 0)
  const cut: Cutter = (name, items, instead) => {
    const own = rules.get(name)?.length ?? 0
    const first = cutAmong(own, held ? Number.POSITIVE_INFINITY : all, strategies)
    return cutChain(table, name, items, {
      ...planning,
      strategies: instead ? { ...first, ...instead } : first,
    })
  }
  const reached = reachedFrom(rules, base, planning, cut)
  const plan = (): Plan => planReached(reached, base, { ...planning, strategies }, cut)
  return held
    ? plan()
    : planning.memory.planOf(`${table.name} ${base}`, reached, { family, strategies }, plan)
}

function planReached(
  reached: ReadonlyMap<string, Cut>,
  base: string,
  { family, strategies, held }: Planning,
  cut: Cutter,
): Plan {
  const chains = withinLimits(reached, { family, strategies }, ({ name, items }, instead) =>
    cut(name, items, instead),
  )
  const graph = callGraph(base, chains)
  const { entries, functions: taken = [] } = held ?? {}
  const shared = sharedTrees(chains.values(), family, strategies.ownMaps)
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
    functions,
    levels,
    graph,
    shared,
    ...(obstacle && { obstacle }),
  }
}

interface Cut extends PlannedChain {
  readonly items: readonly Item[]
}

function cutChain(
  table: Table,
  name: string,
  asked: readonly Item[],
  { memory, family, strategies }: Planning,
): Cut {
  return { name, ...memory.chainOf(`${table.name} ${name}`, asked, family, strategies) }
}

type Cutter = (name: string, items: readonly Item[], instead?: Partial<Strategies>) => Cut

type ChainRules = ReadonlyMap<string, readonly Rule[]>

/** The rules of the chains that calls lead to, whether or not packets come to the calls. */
function rulesReached({ chains }: Table, base: string): ChainRules {
  const rulesOf = new Map(chains.map(({ name, rules }) => [name, rules]))
  const reached = new Map<string, readonly Rule[]>([[base, rulesOf.get(base) ?? []]])
  // what is added meanwhile is gone through as well
  for (const rules of reached.values())
    for (const { target } of rules) {
      const called = target && 'chain' in target ? target.chain : undefined
      if (called !== undefined && !reached.has(called)) reached.set(called, rulesOf.get(called) ?? [])
    }
  return reached
}

function reachedFrom(rules: ChainRules, base: string, planning: Planning, cut: Cutter): Map<string, Cut> {
  const chains = new Map<string, Cut>()
  const pending = [base]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (chains.has(name) || planning.held?.entries.has(name)) continue
    const one = cut(name, planning.itemsOf(name, rules.get(name) ?? []))
    chains.set(name, one)
    for (const { chain } of callsOf(one.items).reverse()) pending.push(chain)
  }
  return chains
}
