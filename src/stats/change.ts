// What a change of the rules means for their history: which counters go on, and from where.

import { type Counters, noCounters, type Ruleset } from 'iptables-parser'
import { rulesetKeys } from '../../translator/counter.ts'
import type { CountingRuleset } from '../service/carry.ts'
import type { Plan } from '../service/plan.ts'
import type { KeyedCounters } from './history.ts'

/** Counter slots by counter key. */
export type KeyedSlots = ReadonlyMap<string, number>

export const slotsOf = (rulesets: readonly CountingRuleset[]): KeyedSlots =>
  keyedSlots(
    rulesets.map(({ ruleset }) => ruleset),
    rulesets.flatMap(({ slots }) => slots),
  )

function keyedSlots(rulesets: readonly Ruleset[], slots: readonly number[]): KeyedSlots {
  const keyed = new Map<string, number>()
  for (const [index, key] of rulesetKeys(rulesets).entries()) {
    const slot = slots[index]
    if (slot !== undefined) keyed.set(key, slot)
  }
  return keyed
}

/** Every counter goes on under its own key, and what is new begins at zero: then there is nothing to write down. */
export function keepsHistory(before: KeyedSlots, plan: Plan): boolean {
  const { rulesets, layout, fresh } = plan
  const after = keyedSlots(rulesets, layout.slots)
  return [...before].every(([key, slot]) => after.get(key) === slot && !fresh.has(slot)) && beginsAtZero(plan)
}

/** What is new has counted nothing. */
export function beginsAtZero(plan: Plan): boolean {
  if (plan.fromZero) return true
  for (const { packets, bytes } of plan.fresh.values()) if (packets !== 0n || bytes !== 0n) return false
  return true
}

/** The counters that all keys of the next generation go on from, given those of the slots of the one before. */
export function nextCounters(
  { rulesets, layout, fresh }: Plan,
  bySlot: ReadonlyMap<number, Counters>,
): KeyedCounters {
  const next = new Map<string, Counters>()
  for (const [key, slot] of keyedSlots(rulesets, layout.slots))
    next.set(key, fresh.get(slot) ?? bySlot.get(slot) ?? noCounters)
  return next
}
