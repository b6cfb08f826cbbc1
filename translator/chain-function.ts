// Where the code of chains stands.
//
//   in place    where it is called: a chain that one place calls, and one of a rule or two
//   alone       in a function of its own: the verifier goes through it once, however often it is called
//   together    in one function with others, which is told by a selector which of them is meant: chains that look-ups call, whose values say
//               selectors, and all chains where they are more than the kernel takes functions
//
// Chains that stand together never call one another, not even through others, or a function would call itself. So those stand together from
// which equally many calls of functions lead on, at most.

import type { Family } from 'iptables-parser'
import { type CallGraph, type CallSites, slotsIn } from './calls.ts'
import type { Block } from './chain.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Plan } from './plan.ts'

/** MAX_CALL_FRAMES of the verifier is 8: the main function, the base chain's (but at netfilter), these, and the one that counts where it is not done in place. */
const MOST_FRAMES = 5

/** BPF_MAX_SUBPROGS is 256, and other functions and another family need some. */
const MOST_ALONE = 64

/** A chain of so few slots takes hardly more of them in place than calls of it do. */
const FEW_SLOTS = 16

/** Of chains that are called as functions, the name of the function that each stands in. */
export type ChainFunctions = ReadonlyMap<string, string>

type Chains = ReadonlyMap<string, PlannedChain>

/** The chains that are called as functions. */
export function chooseFunctions(graph: CallGraph, chains: Chains, family: Family): ChainFunctions {
  const { base, calls, sites } = graph
  const isWanted = ({ name, blocks }: PlannedChain): boolean =>
    name !== base && isWorthAFunction(blocks, sites.get(name), (calls.get(name)?.size ?? 0) > 0)
  const wanted = [...chains.values()].filter(isWanted).map(({ name }) => name)
  const functions = withinFrames(graph, new Set(wanted))
  const isCrowded = functions.size > MOST_ALONE
  const isTogether = (name: string): boolean => isCrowded || sites.get(name)?.lookedUp === true
  const levels = levelsOf(graph, functions)
  const functionOf = (name: string): string =>
    isTogether(name) ? groupName(levels.get(name) ?? 0, family) : chainFunctionName(name, family)
  return new Map([...functions].map(name => [name, functionOf(name)]))
}

function isWorthAFunction(
  blocks: readonly Block[],
  sites: CallSites | undefined,
  callsOthers: boolean,
): boolean {
  if (!sites || blocks.length === 0) return false
  if (sites.lookedUp) return true
  return sites.named > 1 && (callsOthers || slotsIn(blocks) > FEW_SLOTS)
}

/** Chains that would need more frames than there are stand in place of their calls instead. */
function withinFrames({ base, calls, order }: CallGraph, wanted: ReadonlySet<string>): ReadonlySet<string> {
  const frames = new Map([[base, 0]])
  for (const name of order) {
    const above = frames.get(name) ?? 0
    for (const called of calls.get(name)?.keys() ?? [])
      frames.set(called, Math.max(frames.get(called) ?? 0, above + (wanted.has(called) ? 1 : 0)))
  }
  return new Set([...wanted].filter(name => (frames.get(name) ?? 0) <= MOST_FRAMES))
}

/** How many functions can be called one by the other from each chain on. */
function levelsOf({ calls, order }: CallGraph, functions: ReadonlySet<string>): Map<string, number> {
  const levels = new Map<string, number>()
  for (const name of order.toReversed()) {
    let level = 0
    for (const called of calls.get(name)?.keys() ?? [])
      level = Math.max(level, (levels.get(called) ?? 0) + (functions.has(called) ? 1 : 0))
    levels.set(name, level)
  }
  return levels
}

/** Of each function the chains that stand in it. */
export function bodiesOf({
  chains,
  functions,
}: Pick<Plan, 'chains' | 'functions'>): Map<string, PlannedChain[]> {
  const bodies = new Map<string, PlannedChain[]>()
  for (const [name, holder] of functions) {
    const chain = chains.get(name)
    const others = bodies.get(holder)
    if (chain && others) others.push(chain)
    else if (chain) bodies.set(holder, [chain])
  }
  return bodies
}

const groupName = (level: number, family: Family): string => `chains${family}_${level}`

/** A C identifier for a chain's own function; different chains never share one. */
export const chainFunctionName = (chain: string, family: Family): string =>
  `chain${family}_${[...chain].map(character => (/[A-Za-z0-9]/.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`)).join('')}`
