// The reference evaluator: slow, and written to be obviously right. It walks the rules one by one as ipt_do_table does
// (net/ipv4/netfilter/ip_tables.c) and says what each packet meets. Compiled programs are tested against it.

import { EvaluationError } from './evaluation-error.ts'
import type { MatchResult, TableName } from './extension.ts'
import { headersOf, type Packet } from './packet.ts'
import { matchExtension, type Target, targetExtension } from './registry.ts'
import type { Rule } from './rule.ts'
import { chainOf, type Ruleset, tableOf } from './ruleset.ts'
import { agrees } from './term.ts'
import { addressMatches } from './value/address.ts'
import { interfaceMatches } from './value/interface.ts'

/** A rule a packet matched, and so was counted by. Number 0 is the policy; rules are counted from 1. */
export interface Step {
  readonly chain: string
  readonly number: number
}

export interface Evaluation {
  readonly verdict: 'accept' | 'drop'
  /** In the order met. Empty when a match found the packet malformed before any rule counted it. */
  readonly path: readonly Step[]
}

/** What a packet meets in a base chain. Throws EvaluationError for a rule whose meaning a packet alone does not decide. */
export function evaluate(
  ruleset: Ruleset,
  tableName: TableName,
  baseChain: string,
  packet: Packet,
): Evaluation {
  const table = tableOf(ruleset, tableName)
  const base = table && chainOf(table, baseChain)
  if (!base) return { verdict: 'accept', path: [] }
  const path: Step[] = []
  let current = packet
  /** The verdict of a chain, or undefined where it returns. */
  const walk = (name: string): 'accept' | 'drop' | undefined => {
    for (const [index, rule] of (chainOf(table, name)?.rules ?? []).entries()) {
      const matched = ruleMatches(rule, current)
      if (matched === 'hotdrop') return 'drop'
      if (!matched) continue
      path.push({ chain: name, number: index + 1 })
      if (matched === 'counted hotdrop') return 'drop'
      const next = step(rule.target)
      current = changed(rule.target, current)
      if (next === 'accept' || next === 'drop') return next
      if (next === 'return') return undefined
      if (next === 'continue') continue
      const verdict = walk(next.chain)
      if (verdict || next.kind === 'goto') return verdict
    }
    return undefined
  }
  const verdict = walk(baseChain)
  if (verdict) return { verdict, path }
  path.push({ chain: baseChain, number: 0 })
  return { verdict: base.policy === 'DROP' ? 'drop' : 'accept', path }
}

type Next = 'accept' | 'drop' | 'return' | 'continue' | Extract<Target, { chain: string }>

function step(target: Target | undefined): Next {
  if (!target) return 'continue'
  if (target.kind === 'jump' || target.kind === 'goto') return target
  if (target.kind === 'unknown') throw new EvaluationError(`what -j ${target.name} does is not known`)
  const { verdict } = targetExtension(target)
  if (!verdict) throw new EvaluationError(`what -j ${target.kind} does is not decided by the packet alone`)
  return verdict
}

function changed(target: Target | undefined, packet: Packet): Packet {
  if (!target || target.kind === 'jump' || target.kind === 'goto' || target.kind === 'unknown') return packet
  return targetExtension(target).apply?.(target, packet) ?? packet
}

/** Whether a packet matches a rule; the parts are asked in the kernel's order, since a malformed packet stops at the first that finds it so. */
export function ruleMatches(rule: Rule, packet: Packet): MatchResult {
  const headers = headersOf(packet)
  const core =
    agrees(rule.source, mask => addressMatches(mask, headers.source)) &&
    agrees(rule.destination, mask => addressMatches(mask, headers.destination)) &&
    agrees(rule.inInterface, pattern => interfaceMatches(pattern, packet.inInterface)) &&
    agrees(rule.outInterface, pattern => interfaceMatches(pattern, packet.outInterface))
  if (!core) return false
  const protocol = protocolMatches(rule, packet)
  if (protocol !== true) return protocol
  if (!agrees(rule.fragment, () => headers.fragmentOffset !== 0)) return false
  let malformed = false
  for (const match of rule.matches) {
    if (match.kind === 'unknown') throw new EvaluationError(`what -m ${match.name} asks is not known`)
    const { evaluate: ask } = matchExtension(match)
    if (!ask) throw new EvaluationError(`whether -m ${match.kind} matches is not decided by the packet alone`)
    const matched = ask(match, packet)
    if (matched === 'counted hotdrop') malformed = true
    else if (matched !== true) return malformed ? 'hotdrop' : matched
  }
  return malformed ? 'counted hotdrop' : true
}

/** In IPv6 asking for a protocol walks the extension headers, and a chain of them that is cut off is malformed (ip6_packet_match). */
function protocolMatches({ protocol }: Rule, packet: Packet): MatchResult {
  if (!protocol) return true
  const { protocol: actual } = headersOf(packet)
  return actual === undefined ? 'hotdrop' : agrees(protocol, value => value === actual)
}
