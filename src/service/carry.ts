// Which counter slots the rules of a new rule set take over from the old one.

import { type Counters, noCounters, type Ruleset } from 'iptables-parser'
import { countingIn, countsAs, rulesetKeys } from '../../translator/counter.ts'

export type Carry =
  /** The same rule keeps its counter, wherever it stands in its chain: what a reload of edited rules means. */
  | { readonly kind: 'text' }
  /** What an edit left its counters, as the same object, keeps its slot (see withCounters). */
  | { readonly kind: 'identity' }
  /** Everything counts anew. */
  | { readonly kind: 'nothing' }

/** A rule set in force and the slots it counts in, in the order of countedRules. */
export interface CountingRuleset {
  readonly ruleset: Ruleset
  readonly slots: readonly number[]
}

/** The slot each rule and policy of `ruleset` takes over, in the order of countedRules; undefined where it needs a new one. */
export function carriedSlots(
  carry: Carry,
  ruleset: Ruleset,
  before: CountingRuleset | undefined,
): readonly (number | undefined)[] {
  if (!before || carry.kind === 'nothing') return Array.from({ length: countingOf(ruleset) })
  return carry.kind === 'text' ? carryByText(ruleset, before) : carryByIdentity(ruleset, before)
}

function countingOf({ tables }: Ruleset): number {
  let count = 0
  for (const { chains } of tables) for (const chain of chains) count += countingIn(chain)
  return count
}

function carryByText(ruleset: Ruleset, before: CountingRuleset): (number | undefined)[] {
  const known = new Map(rulesetKeys([before.ruleset]).map((key, index) => [key, before.slots[index]]))
  return rulesetKeys([ruleset]).map(key => known.get(key))
}

function carryByIdentity(ruleset: Ruleset, before: CountingRuleset): (number | undefined)[] {
  const known = new Map(countersOf(before.ruleset).map((counters, index) => [counters, before.slots[index]]))
  return countersOf(ruleset).map(counters => counters && known.get(counters))
}

/** The counters that policies and rules were written with, in the order of countedRules. */
export function countersOf({ tables }: Ruleset): (Counters | undefined)[] {
  const all: (Counters | undefined)[] = []
  for (const { chains } of tables)
    for (const { policy, counters, rules } of chains) {
      if (policy) all.push(counters)
      // by index: until V8 has compiled a loop an iterator makes an object for each
      for (let at = 0; at < rules.length; at++) all.push(rules[at]?.counters)
    }
  return all
}

/** The rule set with these counters in the place of those it was written with; in the order of countedRules. */
export function withCounters(ruleset: Ruleset, counters: readonly Counters[]): Ruleset {
  const rest = counters.values()
  const next = (): Counters => rest.next().value ?? noCounters
  const tables = ruleset.tables.map(table => ({
    ...table,
    chains: table.chains.map(chain => ({
      ...chain,
      ...(chain.policy && { counters: next() }),
      rules: chain.rules.map(rule => ({ ...rule, counters: next() })),
    })),
  }))
  return countsAs(ruleset, { ...ruleset, tables })
}
