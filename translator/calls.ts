// Where chains are called from, and in what order they call one another. Chains never call in circles: iptables does not take such rules.

import { blockSlots } from './block-cost.ts'
import { type Block, blocksIn, type CodeBlock, isCode, itemsIn, type PlainBlock } from './chain.ts'
import type { Item } from './item.ts'
import { type Candidate, type Leaf, leavesOf } from './tree/node.ts'

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
  /** Of each chain that calls any, which it calls. */
  readonly calls: ReadonlyMap<string, Calls>
  /** Of each chain, where it is called from, all over the program; none of one that only rules call which no packet meets. */
  readonly sites: ReadonlyMap<string, CallSites>
  /** The chains that are reached from the base chain, each before all that it calls. */
  readonly order: readonly string[]
}

type Chains = ReadonlyMap<string, { readonly calls: Calls }>

export function callGraph(base: string, chains: Chains): CallGraph {
  const calls = new Map<string, Calls>()
  // by forEach, as in other loops over thousands of chains: an iterator makes an object and a pair for each
  chains.forEach((chain, name) => {
    if (chain.calls.size > 0) calls.set(name, chain.calls)
  })
  const order = callersFirst(base, calls)
  const sites = new Map<string, CallSites>()
  for (let at = 0; at < order.length; at++)
    calls.get(order[at] as string)?.forEach((here, chain) => {
      addSites(sites, chain, here)
    })
  return { base, calls, sites, order }
}

function addSites(all: Map<string, CallSites>, chain: string, here: CallSites): void {
  const before = all.get(chain)
  all.set(chain, before ? both(before, here) : here)
}

const both = (one: CallSites, other: CallSites): CallSites => ({
  named: one.named + other.named,
  lookedUp: one.lookedUp || other.lookedUp,
})

const NAMED: CallSites = { named: 1, lookedUp: false }
const LOOKED_UP: CallSites = { named: 0, lookedUp: true }

/** Most of thousands of chains call none. */
export const NO_CALLS: Calls = new Map()

/** Which chains blocks call. */
export function callsIn(blocks: readonly Block[]): Calls {
  const calls = new Map<string, CallSites>()
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block
    if (isCode(block)) addNamed(calls, block)
    else for (const one of blocksIn(block)) addCalls(calls, one)
  }
  return calls
}

function addCalls(calls: Map<string, CallSites>, block: PlainBlock): void {
  if (isCode(block)) addNamed(calls, block)
  else if (block.kind === 'dispatch')
    for (const { chain } of callsOf(block.cases)) addSites(calls, chain, LOOKED_UP)
  // what separate trees answer is done in one place for all their leaves
  else
    for (const chain of new Set(callsOf(itemsIn(block)).map(call => call.chain)))
      addSites(calls, chain, NAMED)
}

/** Each place in code names a chain. */
function addNamed(calls: Map<string, CallSites>, block: CodeBlock): void {
  if (block.kind === 'always') addCall(calls, block.item)
  else if (block.root.kind === 'leaf') addLeaf(calls, block.root)
  else for (const leaf of leavesOf(block.root)) addLeaf(calls, leaf)
}

function addLeaf(calls: Map<string, CallSites>, { candidates }: Leaf): void {
  for (let at = 0; at < candidates.length; at++) addCall(calls, (candidates[at] as Candidate).item)
}

function addCall(calls: Map<string, CallSites>, { outcome }: Item): void {
  if ('chain' in outcome) addSites(calls, outcome.chain, NAMED)
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
      const own = calls.get(next) ?? NO_CALLS
      if (own.size > 0) open.push({ name: next, called: [...own.keys()] })
      else order.push(next)
    }
  }
  return order.reverse()
}

/** A rule that every packet goes on from is counted, and maybe calls. */
const ALWAYS_SLOTS = 5

/** Slots of code that blocks take, about, without the chains that stand in place in them. */
export function slotsIn(blocks: readonly Block[]): number {
  let slots = 0
  let always = 0
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block
    if (block.kind === 'always') always++
    else slots += blockSlots(block)
  }
  return slots + ALWAYS_SLOTS * always
}
