// The canonical form: what the kernel's iptables-save prints for the same rules.

import { type Counters, noCounters, printCounters } from './counters.ts'
import type { Family } from './family.ts'
import { Lines } from './lines.ts'
import { type Match, matchExtension, type Target, targetExtension } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Chain, Ruleset, Table } from './ruleset.ts'
import type { Term } from './term.ts'
import { printUnknown } from './unknown.ts'
import { printAddressMask } from './value/address.ts'
import { printChainName } from './value/chain-name.ts'
import { printInterface } from './value/interface.ts'
import { printProtocol } from './value/protocol.ts'
import { writtenFrom, writtenRule } from './written.ts'

/** A rule without its chain: ` -s 10.0.0.0/8 -p tcp … -j ACCEPT`, with a blank before it; '' for a rule that asks nothing and does nothing. */
export const printRule = (rule: Rule, family: Family): string =>
  printRuleCore(rule) + printMatches(rule, family) + printRuleTarget(rule, family)

/** What a rule asks without the help of extensions. */
export const printRuleCore = (rule: Rule): string =>
  printCore('-s', rule.source, printAddressMask) +
  printCore('-d', rule.destination, printAddressMask) +
  // a pattern for every name asks nothing, and iptables-save leaves it out even where it is negated
  printCore('-i', named(rule.inInterface), printInterface) +
  printCore('-o', named(rule.outInterface), printInterface) +
  printCore('-p', rule.protocol, printProtocol) +
  (rule.fragment ? `${rule.fragment.negated ? ' !' : ''} -f` : '')

export function printMatches({ matches }: Rule, family: Family): string {
  let text = ''
  for (const match of matches) text += printMatch(match, family)
  return text
}

export const printRuleTarget = ({ target }: Rule, family: Family): string =>
  target ? printTarget(target, family) : ''

/** `-A CHAIN …`, which is also how a rule is named in statistics and listings. */
export const printAppend = (chain: string, rule: Rule, family: Family): string =>
  `-A ${printChainName(chain)}${printRule(rule, family)}`

function printCore<T>(option: string, term: Term<T> | undefined, print: (value: T) => string): string {
  return term ? `${term.negated ? ' !' : ''} ${option} ${print(term.value)}` : ''
}

const named = (term: Rule['inInterface']): Rule['inInterface'] =>
  term && term.value.name === '' ? undefined : term

export const printMatch = (match: Match, family: Family): string =>
  match.kind === 'unknown'
    ? printUnknown('-m', match)
    : ` -m ${match.kind}${matchExtension(match).print(match, { family })}`

export function printTarget(target: Target, family: Family): string {
  if (target.kind === 'jump') return ` -j ${printChainName(target.chain)}`
  if (target.kind === 'goto') return ` -g ${printChainName(target.chain)}`
  if (target.kind === 'unknown') return printUnknown('-j', target)
  return ` -j ${target.kind}${targetExtension(target).print(target, { family })}`
}

export interface PrintOptions {
  /** Put counters before every rule, as -c does. Base chains always show theirs. */
  readonly counters?: boolean
  /** Print the remarks that parseSave was asked to keep. */
  readonly remarks?: boolean
  /** Rules are still what they were read as: those that were read from just what would be printed are copied from there. */
  readonly asRead?: boolean
}

export function printTable(table: Table, family: Family, options: PrintOptions = {}): string {
  const remarked = options.remarks === true
  const lines = new Lines()
  if (remarked) lines.addAll(table.remarks)
  lines.add(`*${table.name}`)
  for (const chain of table.chains) {
    if (remarked) lines.addAll(chain.remarks)
    lines.add(printChain(chain))
  }
  for (const chain of table.chains) addRules(lines, chain, family, options)
  if (remarked) lines.addAll(table.closing)
  lines.add('COMMIT')
  return lines.text()
}

const printChain = (chain: Chain): string =>
  `:${chain.name} ${chain.policy ?? '-'} ${printCounters(chain.counters ?? noCounters)}`

function addRules(lines: Lines, { name, rules }: Chain, family: Family, options: PrintOptions): void {
  const { counters, remarks, asRead } = options
  const append = `-A ${printChainName(name)}`
  for (let at = 0; at < rules.length; at++) {
    const rule = rules[at] as Rule
    if (remarks) lines.addAll(rule.remarks)
    const beginning = asRead ? writtenFrom(rule) : undefined
    if (beginning !== undefined && !counters && addWritten(lines, append, rule, beginning)) continue
    const text = append + ((asRead ? writtenRule(rule) : undefined) ?? printRule(rule, family))
    lines.add(counters ? `${printCounters(rule.counters ?? noCounters)} ${text}` : text)
  }
}

/** Where all of its line is as it would be printed. */
function addWritten(lines: Lines, append: string, { span }: Rule, beginning: number): boolean {
  if (!span || beginning - span.start !== append.length) return false
  if (!span.source.text.startsWith(append, span.start)) return false
  lines.addSpan(span)
  return true
}

/** The whole rule set, without the `# Generated by` lines. */
export function printRuleset(ruleset: Ruleset, options: PrintOptions = {}): string {
  const text = ruleset.tables.map(table => printTable(table, ruleset.family, options)).join('')
  const closing = options.remarks ? (ruleset.closing ?? []) : []
  return text + closing.map(line => `${line}\n`).join('')
}

export type { Counters }
