// What of a rule keeps it from being translated: every match and target for itself, where a refusal names only the first.

import type { Family, Match, Rule, Target } from 'iptables-parser'
import { RuleUntranslatable, ruleItems } from '../../translator/item.ts'
import type { Lane } from '../../translator/lane.ts'
import { Untranslatable } from '../../translator/match/translate.ts'

export interface Obstacle {
  /** `-m limit`, `-j LOG`; `rule` where no match or target is the cause. */
  readonly option: string
  readonly reason: string
}

/** Why a rule does not translate in a lane; empty where it does. */
export function obstacles(rule: Rule, lane: Lane, family: Family): readonly Obstacle[] {
  const { target, ...rest } = rule
  const core: Rule = { ...rest, matches: [] }
  const inCore = refusal(core, lane, family)
  if (inCore !== undefined) return [{ option: 'rule', reason: inCore }]
  const parts: readonly (readonly [option: string, part: Rule])[] = [
    ...rule.matches.map(match => [`-m ${nameOf(match)}`, { ...core, matches: [match] }] as const),
    ...(target ? [[`-j ${nameOf(target)}`, { ...core, target }] as const] : []),
  ]
  return parts.flatMap(([option, part]) => {
    const reason = refusal(part, lane, family)
    return reason === undefined ? [] : [{ option, reason }]
  })
}

const nameOf = (part: Match | Target): string => (part.kind === 'unknown' ? part.name : part.kind)

function refusal(rule: Rule, lane: Lane, family: Family): string | undefined {
  try {
    ruleItems(rule, 0, lane, family)
    return undefined
  } catch (error) {
    if (error instanceof RuleUntranslatable || error instanceof Untranslatable)
      return error.message.replace(/ at (?:xdp|tc-ingress|nf-\w+)$/, ' there')
    throw error
  }
}
