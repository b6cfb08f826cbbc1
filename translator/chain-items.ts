// The items of a chain's rules for one program after another. What most rules ask is known at every hook and in front of all hooks alike: their items are made once for all of them.

import type { Family, Rule, Target } from 'iptables-parser'
import { addPlainItems, type Item, outcomeOf } from './item.ts'
import { type PlainSets, plainSets } from './plain-sets.ts'
import { trimmed } from './trimmed.ts'

/** What a chain's rules come to. */
export interface ChainItems {
  readonly rules: readonly Rule[]
  readonly items: readonly Item[]
  /** Of each rule, whether that is a program's own; none where it is the same for all programs. */
  readonly own?: Uint8Array
}

/** What items are made for: rules, the first of which has that index among all that counts. */
export interface Making {
  readonly first: number
  readonly family: Family
  /** What was made of them before. */
  readonly known?: ChainItems | undefined
  /** The items of a rule that are the asking program's own, step by step: it is known by then that the rule is not one for plainSets, or does more than decide. */
  readonly itemsOf: (rule: Rule, index: number) => readonly Item[]
}

/** What was known, if all of it is alike. */
export function chainItems(rules: readonly Rule[], { first, family, known, itemsOf }: Making): ChainItems {
  const before = known?.rules === rules ? known : undefined
  if (before && !before.own) return before
  const items: Item[] = []
  let own: Uint8Array | undefined
  let at = 0
  for (let number = 0; number < rules.length; number++) {
    const index = first + number
    const rule = rules[number] as Rule
    if (before?.own?.[number] === 0) {
      // what other rules came to there is passed over
      while ((before.items[at]?.rule ?? index) < index) at++
      for (; before.items[at]?.rule === index; at++) items.push(before.items[at] as Item)
      continue
    }
    const alike = alikeSets(rule, family)
    if (alike) {
      addPlainItems(items, alike, index, outcomeOf(rule.target))
      continue
    }
    own ??= new Uint8Array(rules.length)
    own[number] = 1
    const made = itemsOf(rule, index)
    for (let next = 0; next < made.length; next++) items.push(made[next] as Item)
  }
  return { rules, items: trimmed(items), ...(own && { own }) }
}

/** Undefined for a rule that asks or does anything that programs may know or not. */
function alikeSets(rule: Rule, family: Family): PlainSets | undefined {
  const { target } = rule
  return target && !decided.has(target.kind) ? undefined : plainSets(rule, family)
}

/** Targets that do nothing besides. */
const decided: ReadonlySet<Target['kind']> = new Set<Target['kind']>([
  'ACCEPT',
  'DROP',
  'RETURN',
  'jump',
  'goto',
])
