// Which chains a program needs, and which of them become functions of their own.

import type { Family, Rule, Table } from 'iptables-parser'
import { itemsIn, type Strategies } from './chain.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Item } from './item.ts'
import type { PlanMemory } from './plan-memory.ts'

/** MAX_CALL_FRAMES of the verifier is 8: the main function, the base chain's (but at netfilter), these, and the one that counts where it is not done in place. */
const MOST_FRAMES = 5

export interface Plan {
  readonly base: PlannedChain
  readonly chains: ReadonlyMap<string, PlannedChain>
  readonly functions: ReadonlySet<string>
}

/** Plans a base chain and all it can reach. `itemsOf` gives the items of a chain's rules; those of a rule may be none. */
export function planChains(
  table: Table,
  base: string,
  family: Family,
  strategies: Strategies,
  memory: PlanMemory,
  itemsOf: (chain: string, rules: readonly Rule[]) => Iterable<Item>,
): Plan {
  const rulesOf = new Map(table.chains.map(({ name, rules }) => [name, rules]))
  const chains = new Map<string, PlannedChain>()
  const visit = (name: string): PlannedChain => {
    const known = chains.get(name)
    if (known) return known
    const asked = itemsOf(name, rulesOf.get(name) ?? [])
    const { items, blocks } = memory.chainOf(`${table.name} ${name}`, asked, family, strategies)
    const planned = { name, blocks }
    chains.set(name, planned)
    for (const called of callsOf(items)) visit(called.chain)
    return planned
  }
  const planned = visit(base)
  return { base: planned, chains, functions: chooseFunctions(chains, base) }
}

type Call = Extract<Item['outcome'], { chain: string }>

function callsOf(items: readonly Item[]): Call[] {
  const calls: Call[] = []
  for (const { outcome } of items) if ('chain' in outcome) calls.push(outcome)
  return calls
}

/** Where a chain is called from, all over a program. */
interface CallSites {
  /** From rules that stand in trees, where a body in place would stand in every leaf. */
  readonly inTrees: number
  readonly always: number
}

function chooseFunctions(chains: ReadonlyMap<string, PlannedChain>, base: string): Set<string> {
  const sites = countSites(chains)
  const wanted = new Set(
    [...chains.keys()].filter(name => name !== base && isWorthAFunction(chains.get(name), sites.get(name))),
  )
  return withinFrames(chains, base, wanted)
}

function isWorthAFunction(chain: PlannedChain | undefined, sites: CallSites | undefined): boolean {
  if (!chain || !sites || chain.blocks.length === 0) return false
  return sites.inTrees > 0 || sites.always > 1
}

function countSites(chains: ReadonlyMap<string, PlannedChain>): Map<string, CallSites> {
  const sites = new Map<string, CallSites>()
  for (const { blocks } of chains.values())
    for (const block of blocks)
      for (const { chain } of callsOf(itemsIn(block))) {
        const { inTrees, always } = sites.get(chain) ?? { inTrees: 0, always: 0 }
        sites.set(
          chain,
          block.kind === 'always' ? { inTrees, always: always + 1 } : { inTrees: inTrees + 1, always },
        )
      }
  return sites
}

/** Chains that would need more frames than there are stand in place of their calls instead. */
function withinFrames(
  chains: ReadonlyMap<string, PlannedChain>,
  base: string,
  wanted: Set<string>,
): Set<string> {
  const deepest = new Map<string, number>()
  const visit = (name: string, frames: number): void => {
    if ((deepest.get(name) ?? -1) >= frames) return
    deepest.set(name, frames)
    for (const block of chains.get(name)?.blocks ?? [])
      for (const { chain } of callsOf(itemsIn(block))) visit(chain, frames + (wanted.has(chain) ? 1 : 0))
  }
  visit(base, 0)
  return new Set([...wanted].filter(name => (deepest.get(name) ?? 0) <= MOST_FRAMES))
}
