// Rules that no packet can meet: what they ask contradicts itself, nothing leads to their chain, or earlier rules of their chain take
// all that they would match. What is said holds for every packet; that nothing is said of a rule proves nothing.

import { type Chain, chainOf, type Family, type Rule, type Table } from 'iptables-parser'
import { hooksOfTable, netfilterPlaces } from './hook/place.ts'
import { type Item, RuleUntranslatable, ruleItems } from './item.ts'
import type { Lane } from './lane.ts'
import { Untranslatable } from './match/translate.ts'
import { Takers } from './taker.ts'
import { type Box, subtract } from './tree/box.ts'

/** Why no packet meets a rule. */
export type DeadReason =
  | { readonly kind: 'contradiction' }
  /** Rules of the same chain, counted from 1, that take all its packets between them. */
  | { readonly kind: 'shadowed'; readonly by: readonly number[] }

export interface DeadRule {
  readonly chain: string
  /** Counted from 1. */
  readonly number: number
  readonly rule: Rule
  readonly reason: DeadReason
}

export interface DeadParts {
  readonly rules: readonly DeadRule[]
  /** User chains that no packet gets to. */
  readonly chains: readonly Chain[]
}

/** What is left of a rule's box may fall into many pieces; beyond so many it is let be. */
const MOST_PIECES = 64

/** The parts of a table of ours that no packet meets. */
export function deadParts(table: Table, family: Family): DeadParts {
  const rules: DeadRule[] = []
  const reached = new Map<string, Lane>()
  const scan = new ChainScan(table, family)
  for (const { name, policy } of table.chains) {
    const hook = hooksOfTable(table.name).find(hook => netfilterPlaces[hook].chain === name)
    if (policy && hook) reached.set(name, { hook, family } as Lane)
  }
  // a map yields what is added to it while it is walked
  for (const [name, lane] of reached) {
    const { dead, calls } = scan.chain(name, lane)
    rules.push(...dead)
    for (const call of calls) if (!reached.has(call)) reached.set(call, lane)
  }
  return { rules, chains: table.chains.filter(({ name }) => !reached.has(name)) }
}

interface ScannedChain {
  readonly dead: readonly DeadRule[]
  /** Chains that rules which packets meet lead to. */
  readonly calls: ReadonlySet<string>
}

class ChainScan {
  readonly #table: Table
  readonly #family: Family
  readonly #decisive = new Map<string, boolean>()

  constructor(table: Table, family: Family) {
    this.#table = table
    this.#family = family
  }

  chain(name: string, lane: Lane): ScannedChain {
    const rules = chainOf(this.#table, name)?.rules ?? []
    const translated = rules.map(rule => itemsOf(rule, lane, this.#family))
    const takers = new Takers(
      translated.flatMap(items => items ?? []),
      this.#family,
    )
    const dead: DeadRule[] = []
    const calls = new Set<string>()
    for (const [index, rule] of rules.entries()) {
      const items = translated[index]
      const reason = items && this.#reasonFor(items, takers)
      if (reason) dead.push({ chain: name, number: index + 1, rule, reason })
      else if (rule.target?.kind === 'jump' || rule.target?.kind === 'goto') calls.add(rule.target.chain)
      for (const item of items ?? []) if (this.#takes(item, lane)) takers.add(item, index + 1)
    }
    return { dead, calls }
  }

  #reasonFor(items: readonly Item[], takers: Takers): DeadReason | undefined {
    const own = items.findLast(({ outcome }) => outcome.kind !== 'hotdrop')
    if (!own) return { kind: 'contradiction' }
    const by = new Set<number>()
    let left: readonly Box[] = [own.sets]
    for (const taker of takers.near(own)) {
      const rest = left.flatMap(box => subtract(box, taker.sets, this.#family))
      if (rest.length === left.length && rest.every((box, index) => box === left[index])) continue
      by.add(taker.number)
      left = rest
      if (left.length === 0) return { kind: 'shadowed', by: [...by] }
      if (left.length > MOST_PIECES) return undefined
    }
    return undefined
  }

  /** Whether no packet in an item's box gets past it. */
  #takes({ rest, outcome }: Item, lane: Lane): boolean {
    if (rest.length > 0 || outcome.kind === 'continue') return false
    return outcome.kind !== 'jump' || this.#decides(outcome.chain, lane)
  }

  /** Whether every packet that enters a chain is accepted or dropped in it. */
  #decides(name: string, lane: Lane): boolean {
    const known = this.#decisive.get(name)
    if (known !== undefined) return known
    const decides = this.#neverReturns(chainOf(this.#table, name)?.rules ?? [], lane)
    this.#decisive.set(name, decides)
    return decides
  }

  #neverReturns(rules: readonly Rule[], lane: Lane): boolean {
    for (const rule of rules) {
      const items = itemsOf(rule, lane, this.#family)
      if (rule.target?.kind === 'RETURN') return false
      if (rule.target?.kind === 'goto' && !this.#decides(rule.target.chain, lane)) return false
      if (items?.some(item => item.sets.size === 0 && this.#takes(item, lane))) return true
    }
    return false
  }
}

/** Undefined where the rule does not translate, so that nothing is known of it. */
function itemsOf(rule: Rule, lane: Lane, family: Family): readonly Item[] | undefined {
  try {
    return ruleItems(rule, 0, lane, family)
  } catch (error) {
    if (error instanceof RuleUntranslatable || error instanceof Untranslatable) return undefined
    throw error
  }
}
