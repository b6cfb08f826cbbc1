// Some matches and targets stand only below certain base chains. A rule in a user chain is below every base chain that leads to it.

import type { CallGraph, ChainNode } from './call-graph.ts'
import { RuleError } from './error.ts'
import type { Placement } from './extension.ts'
import { type Match, matchExtension, type Target, targetExtension } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Chain } from './ruleset.ts'

/** Throws RuleError for the first rule of a user chain below a base chain it cannot be used in. */
export function checkReach(graph: CallGraph): void {
  const nodes = [...graph.values()]
  if (!nodes.some(({ chain, particular }) => !chain.policy && particular.length > 0)) return
  for (const base of nodes) {
    if (!base.chain.policy) continue
    for (const { particular } of reachable(base, graph))
      for (const rule of particular) checkRule(rule, base.chain)
  }
}

/** No match or target of the rule minds which base chain leads to it. */
export function standsAnywhere({ matches, target }: Rule): boolean {
  const placements: (Placement | undefined)[] = []
  for (const match of matches) {
    if (match.kind === 'unknown') return false
    const extension = matchExtension(match)
    placements.push(extension, extension.placementOf?.(match))
  }
  if (target?.kind === 'unknown') return false
  if (target && !('chain' in target)) {
    const extension = targetExtension(target)
    placements.push(extension, extension.placementOf?.(target))
  }
  return placements.every(placement => !placement?.chains)
}

/** The user chains that a chain's rules lead to, however far. */
function reachable(base: ChainNode, graph: CallGraph): ReadonlySet<ChainNode> {
  const found = new Set<ChainNode>()
  const add = ({ calls }: ChainNode): void => {
    for (const { chain } of calls) {
      const next = graph.get(chain)
      if (next) found.add(next)
    }
  }
  add(base)
  // a set yields what is added to it while it is walked
  for (const node of found) add(node)
  return found
}

function checkRule({ matches, target }: Rule, base: Chain): void {
  for (const match of matches) {
    if (match.kind === 'unknown') continue
    const extension = matchExtension(match)
    check(match, '-m', extension, base.name)
    check(match, '-m', extension.placementOf?.(match), base.name)
  }
  if (!target || target.kind === 'jump' || target.kind === 'goto' || target.kind === 'unknown') return
  const extension = targetExtension(target)
  check(target, '-j', extension, base.name)
  check(target, '-j', extension.placementOf?.(target), base.name)
}

function check(part: Match | Target, option: string, placement: Placement | undefined, base: string): void {
  const chains = placement?.chains
  if (!chains || chains.includes(base)) return
  throw new RuleError('ERR_EXTENSION', `${option} ${part.kind} cannot be used below ${base}`, {
    ...(part.span && { span: part.span }),
    hint: `it stands only in ${chains.join(', ')} and the chains they lead to, but ${base} leads here too`,
    refusal: { status: 1, text: "Invalid argument. Run `dmesg' for more information" },
  })
}
