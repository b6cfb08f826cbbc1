// Where the code of chains stands.
//
//   in place    where it is called: a chain that one place calls, and one of a rule or two
//   alone       in a function of its own: the verifier goes through it once, however often it is called; and where there are many rules, edits of others leave it as it is
//   together    in one function with others, which is told by a selector which of them is meant: chains that look-ups call, whose values say
//               selectors, those whose rules stand in trees that share a map, which are the same code (emit/alike.ts), and all chains where they are more than the kernel takes functions
//
// Chains that stand together never call one another, not even through others, or a function would call itself. So those stand together from
// which equally many calls of functions lead on, at most.

import type { Family } from 'iptables-parser'
import type { CallGraph, CallSites } from './calls.ts'
import { type Block, blocksIn, hasKept } from './chain.ts'
import type { CutChain } from './cut-chain.ts'
import type { HeldEntry } from './edit/chain-code.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Plan } from './plan.ts'
import type { SharedTrees } from './shared-trees.ts'

/** MAX_CALL_FRAMES of the verifier is 8: the main function, the base chain's (but at netfilter), these, and the one that counts where it is not done in place. */
const MOST_FRAMES = 5

/** BPF_MAX_SUBPROGS is 256, and other functions and another family need some. */
const MOST_ALONE = 128

/** A chain of so few slots takes hardly more of them in place than calls of it do. */
const FEW_SLOTS = 16

/** Among so many rules, chains of so many stand in functions even if one place calls them; beside chains that go on there were so many. */
const [MANY_RULES, OWN_RULES] = [1024, 32]

/** Of chains that are called as functions, the name of the function that each stands in. */
export type ChainFunctions = ReadonlyMap<string, string>

type Chains = ReadonlyMap<string, CutChain>

/** Chains whose code another program has, by name (edit/chain-code.ts). */
type HeldEntries = ReadonlyMap<string, HeldEntry>

/** The chains that are called as functions, and how many functions can be called one by the other from each chain on. */
export interface ChosenFunctions {
  readonly functions: ChainFunctions
  readonly levels: ReadonlyMap<string, number>
}

/** What functions are chosen with. */
interface Choosing {
  readonly family: Family
  readonly shared: SharedTrees
  readonly held?: HeldEntries
  /** Names that functions of held chains have. */
  readonly taken: ReadonlySet<string>
}

export function chooseFunctions(
  graph: CallGraph,
  chains: Chains,
  { family, shared, held = new Map(), taken }: Choosing,
): ChosenFunctions {
  const { base, sites } = graph
  let rules = 0
  chains.forEach(chain => {
    rules += chain.rules
  })
  const areMany = held.size > 0 || rules >= MANY_RULES
  const wanted = new Set<string>()
  chains.forEach((chain, name) => {
    // one that only rules call which no packet meets has no place among the others
    const isLong = areMany && sites.has(name) && (chain.rules >= OWN_RULES || holdsKept(chain))
    if (name !== base && (isLong || isWorthAFunction(chain, sites.get(name)))) wanted.add(name)
  })
  const chosen = withinFrames(graph, wanted, held)
  const isCrowded = chosen.size > MOST_ALONE
  const areAlike = walkedIn(chosen, chains, shared)
  const isTogether = (name: string): boolean =>
    isCrowded || areAlike.has(name) || sites.get(name)?.lookedUp === true
  const levels = levelsOf(graph, chosen, held)
  const groups: string[] = []
  const functionOf = (name: string): string => {
    if (!isTogether(name)) return freeName(chainFunctionName(name, family), taken)
    const level = levels.get(name) ?? 0
    groups[level] ??= freeName(groupName(level, family), taken)
    return groups[level]
  }
  const functions = new Map<string, string>()
  chosen.forEach(name => {
    functions.set(name, functionOf(name))
  })
  if (held.size > 0)
    for (const name of graph.order) {
      const entry = held.get(name)
      if (entry) functions.set(name, entry.function)
    }
  return { functions, levels }
}

/** Chains that are walks of trees which share a map, where they are several. */
function walkedIn(names: ReadonlySet<string>, chains: Chains, shared: SharedTrees): ReadonlySet<string> {
  if (shared.blocks.size === 0) return new Set()
  const walked = [...names].filter(name => isWalked(chains.get(name)?.blocks ?? [], shared))
  return new Set(walked.length > 1 ? walked : [])
}

/** Whether all of it but for rules that every packet goes on from is walks of trees that share a map. */
const isWalked = (blocks: readonly Block[], { blocks: shared }: SharedTrees): boolean => {
  const own = blocks.flatMap(blocksIn)
  return (
    own.some(block => shared.has(block)) && own.every(block => block.kind === 'always' || shared.has(block))
  )
}

/** A name like one that is taken; chains never have it, since what follows their underscores is a number in hexadecimal digits. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name
  for (let number = 1; taken.has(free); number++) free = `${name}_n${number}`
  return free
}

/** There are many rules of which only the blocks are known; without a function each edit of another chain would make its code again. */
const holdsKept = ({ isCode, blocks }: CutChain): boolean => !isCode && blocks.some(hasKept)

function isWorthAFunction({ blocks, calls, slots }: CutChain, sites: CallSites | undefined): boolean {
  if (!sites || blocks.length === 0) return false
  return sites.lookedUp || (sites.named > 1 && (calls.size > 0 || slots > FEW_SLOTS))
}

/** Chains that would need more frames than there are stand in place of their calls instead. */
function withinFrames(graph: CallGraph, wanted: ReadonlySet<string>, held: HeldEntries): ReadonlySet<string> {
  const frames = framesOf(graph, name => wanted.has(name) || held.has(name))
  const within = new Set<string>()
  wanted.forEach(name => {
    if ((frames.get(name) ?? 0) <= MOST_FRAMES) within.add(name)
  })
  return within
}

/** How many calls of functions lead to each chain, at most. */
function framesOf(
  { base, calls, order }: CallGraph,
  isFunction: (chain: string) => boolean,
): ReadonlyMap<string, number> {
  const frames = new Map([[base, 0]])
  for (let at = 0; at < order.length; at++) {
    const name = order[at] as string
    const above = frames.get(name) ?? 0
    calls.get(name)?.forEach((_, called) => {
      frames.set(called, Math.max(frames.get(called) ?? 0, above + (isFunction(called) ? 1 : 0)))
    })
  }
  return frames
}

/** Whether the functions of held chains are called from so few others that there are frames for all that they call. */
export function heldFit({ graph, functions }: Pick<Plan, 'graph' | 'functions'>, held: HeldEntries): boolean {
  const frames = framesOf(graph, name => functions.has(name))
  return graph.order.every(name => {
    const entry = held.get(name)
    return !entry || (frames.get(name) ?? 0) + entry.level <= MOST_FRAMES
  })
}

/** How many functions can be called one by the other from each chain on. */
function levelsOf(
  { calls, order }: CallGraph,
  functions: ReadonlySet<string>,
  held: HeldEntries,
): Map<string, number> {
  const levels = new Map<string, number>()
  for (let at = order.length - 1; at >= 0; at--) {
    const name = order[at] as string
    let level = held.get(name)?.level ?? 0
    calls.get(name)?.forEach((_, called) => {
      level = Math.max(level, (levels.get(called) ?? 0) + Number(functions.has(called) || held.has(called)))
    })
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
  functions.forEach((holder, name) => {
    const chain = chains.get(name)
    const others = bodies.get(holder)
    if (chain && others) others.push(chain)
    else if (chain) bodies.set(holder, [chain])
  })
  return bodies
}

const groupName = (level: number, family: Family): string => `chains${family}_${level}`

/** A C identifier for a chain's own function; different chains never share one. */
export const chainFunctionName = (chain: string, family: Family): string =>
  `chain${family}_${[...chain].map(character => (/[A-Za-z0-9]/.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`)).join('')}`
