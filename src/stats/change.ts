// What a change of the rules means for their history: which counters go on, and from where.

import { type Counters, noCounters } from 'iptables-parser'
import { countedRules, counterKeys } from '../../translator/counter.ts'
import type { CountingRuleset } from '../service/carry.ts'
import type { Plan } from '../service/plan.ts'
import type { KeyedCounters } from './history.ts'

/** Counter slots by counter key. */
export type KeyedSlots = ReadonlyMap<string, number>

export const slotsOf = (rulesets: readonly CountingRuleset[]): KeyedSlots => {
  const keys = counterKeys(countedRules(rulesets.map(({ ruleset }) => ruleset)))
  const slots = rulesets.flatMap(ruleset => ruleset.slots)
  return new Map(keys.flatMap((key, index) => (slots[index] === undefined ? [] : [[key, slots[index]]])))
}

/** Every counter goes on under its own key, and what is new begins at zero: then there is nothing to write down. */
export const keepsHistory = (before: KeyedSlots, { layout, fresh }: Plan): boolean =>
  [...before].every(([key, slot]) => layout.slots.get(key) === slot && !fresh.has(slot)) &&
  [...fresh.values()].every(({ packets, bytes }) => packets === 0n && bytes === 0n)

/** The counters that all keys of the next generation go on from, given those of the slots of the one before. */
export function nextCounters({ layout, fresh }: Plan, bySlot: ReadonlyMap<number, Counters>): KeyedCounters {
  return new Map(
    [...layout.slots].map(([key, slot]) => [key, fresh.get(slot) ?? bySlot.get(slot) ?? noCounters]),
  )
}
