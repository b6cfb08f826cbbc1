// Where chains are called from, and in what order they call one another. Chains never call in circles: iptables does not take such rules.

import { blocksCost } from './block-cost.ts'
import { type Block, blocksIn, itemsIn } from './chain.ts'
import type { Item } from './item.ts'
import { leavesOf } from './tree/node.ts'

export type Call = Extract<Item['outcome'], { chain: string }>

/** The places in the code of one chain that call another. */
export interface CallSites {
  /** So many that name it: a rule in a tree does in each of its leaves. */
  readonly named: number
  /** Whether values of look-ups name it too. */
  readonly lookedUp: boolean
}

/** By the chain that is called. */
export type Calls = ReadonlyMap<string, CallSites>

export function callsOf(items: readonly Item[]): Call[] {
  const calls: Call[] = []
  // by index, as in other loops over all items: until V8 has compiled a loop an iterator makes an object for each
  for (let at = 0; at < items.length; at++) {
    const outcome = items[at]?.outcome
    if (outcome && (outcome.kind === 'jump' || outcome.kind === 'goto')) calls.push(outcome)
  }
  return calls
}

/** Who calls whom in a program. */
export interface CallGraph {
  readonly base: string
  /** Of each chain, which it calls. */
  readonly calls: ReadonlyMap<string, Calls>
  /** Of each chain, where it is called from, all over the program; none of one that only rules call which no packet meets. */
  readonly sites: ReadonlyMap<string, CallSites>
  /** The chains that are reached from the base chain, each before all that it calls. */
  readonly order: readonly string[]
}

type Chains = ReadonlyMap<string, { readonly blocks: readonly Block[] }>

export function callGraph(base: string, chains: Chains): CallGraph {
  const calls = new Map([...chains].map(([name, { blocks }]) => [name, callsIn(blocks)]))
  const order = callersFirst(base, calls)
  const sites = new Map<string, CallSites>()
  for (const name of order) for (const [chain, here] of calls.get(name) ?? []) addSites(sites, chain, here)
  return { base, calls, sites, order }
}

function addSites(all: Map<string, CallSites>, chain: string, { named, lookedUp }: CallSites): void {
  const before = all.get(chain)
  all.set(chain, { named: named + (before?.named ?? 0), lookedUp: lookedUp || before?.lookedUp === true })
}

function callsIn(blocks: readonly Block[]): Calls {
  const calls = new Map<string, CallSites>()
  for (const all of blocks)
    for (const block of blocksIn(all))
      if (block.kind === 'dispatch')
        for (const { chain } of callsOf(block.cases)) addSites(calls, chain, { named: 0, lookedUp: true })
      else for (const chain of namedIn(block)) addSites(calls, chain, { named: 1, lookedUp: false })
  return calls
}

/** A chain for each place that names it. */
function namedIn(block: Exclude<Block, { kind: 'split' | 'dispatch' }>): Iterable<string> {
  if (block.kind === 'tree')
    return [...leavesOf(block.root)].flatMap(({ candidates }) =>
      callsOf(candidates.map(({ item }) => item)).map(({ chain }) => chain),
    )
  // what separate trees answer is done in one place for all their leaves
  return new Set(callsOf(itemsIn(block)).map(({ chain }) => chain))
}

function callersFirst(base: string, calls: ReadonlyMap<string, Calls>): string[] {
  const known = new Set([base])
  const order: string[] = []
  const open = [{ name: base, called: [...(calls.get(base)?.keys() ?? [])] }]
  for (let at = open.at(-1); at; at = open.at(-1)) {
    const next = at.called.pop()
    if (next === undefined) {
      order.push(at.name)
      open.pop()
    } else if (!known.has(next)) {
      known.add(next)
      open.push({ name: next, called: [...(calls.get(next)?.keys() ?? [])] })
    }
  }
  return order.reverse()
}

/** A rule that every packet goes on from is counted, and maybe calls. */
const ALWAYS_SLOTS = 5

/** Slots of code that blocks take, about, without the chains that stand in place in them. */
export const slotsIn = (blocks: readonly Block[]): number =>
  blocksCost(blocks).slots + ALWAYS_SLOTS * blocks.filter(({ kind }) => kind === 'always').length
