// Which chains a table's chains lead to, and what in them minds where it stands: found in one go through all rules.

import { calledBy } from './chain-target.ts'
import type { Placement } from './extension.ts'
import { type ChainTarget, type Match, matchExtensions, targetExtensions } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Chain, Table } from './ruleset.ts'

/** A chain, and what is to be known of its rules. */
export interface ChainNode {
  readonly chain: Chain
  readonly calls: readonly ChainTarget[]
  /** So many calls stand before a rule that every packet ends at. */
  readonly met: number
  /** Rules with an extension that does not stand just anywhere: few have one. */
  readonly particular: readonly Rule[]
  /** Of its calls, the one that whoever walks along the graph looks at next. */
  next: number
  /** Whether that walk has come to it, and whether it has left it. */
  state: 'new' | 'open' | 'done'
}

/** By name, without user chains that lead nowhere and mind nothing: so are most of thousands. */
export type CallGraph = ReadonlyMap<string, ChainNode>

export function callGraph({ chains }: Table): CallGraph {
  const graph = new Map<string, ChainNode>()
  for (const chain of chains) {
    const node = nodeOf(chain)
    if (node) graph.set(chain.name, node)
  }
  return graph
}

const NO_CALLS: ChainTarget[] = []
const NO_RULES: Rule[] = []

/** A list of our own, unless there is nothing in it. */
function withOne<T>(list: T[], one: T): T[] {
  if (list.length === 0) return [one]
  list.push(one)
  return list
}

function nodeOf(chain: Chain): ChainNode | undefined {
  let calls = NO_CALLS
  let particular = NO_RULES
  let met: number | undefined
  const { rules } = chain
  // by index, as in other loops over all rules: until V8 has compiled a loop an iterator makes an object for each
  for (let at = 0; at < rules.length; at++) {
    const rule = rules[at] as Rule
    const call = calledBy(rule)
    if (call) calls = withOne(calls, call)
    else if (met === undefined && endsAll(rule)) met = calls.length
    if (isParticular(rule)) particular = withOne(particular, rule)
  }
  if (calls === NO_CALLS && particular === NO_RULES && !chain.policy) return undefined
  return { chain, calls, met: met ?? calls.length, particular, next: 0, state: 'new' }
}

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE'])

const endsAll = (rule: Rule): boolean =>
  rule.matches.length === 0 &&
  !(
    rule.source ||
    rule.destination ||
    rule.protocol ||
    rule.fragment ||
    rule.inInterface ||
    rule.outInterface
  ) &&
  rule.target !== undefined &&
  VERDICTS.has(rule.target.kind)

function isParticular({ matches, target }: Rule): boolean {
  for (let at = 0; at < matches.length; at++)
    if (particularMatches.has((matches[at] as Match).kind)) return true
  return target !== undefined && particularTargets.has(target.kind)
}

type Particular = Placement & { readonly placementOf?: unknown }

const particularKinds = (extensions: Readonly<Record<string, Particular>>): ReadonlySet<string> =>
  new Set(Object.keys(extensions).filter(kind => extensions[kind]?.chains || extensions[kind]?.placementOf))

const particularMatches = particularKinds(matchExtensions)
const particularTargets = particularKinds(targetExtensions)
