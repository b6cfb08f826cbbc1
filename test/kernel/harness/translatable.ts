import type { Family, Ruleset } from 'iptables-parser'
import { assignSlots, countedRules, counterKeys } from '../../../translator/counter.ts'
import { lanesOf } from '../../../translator/lane.ts'
import { translate } from '../../../translator/translate.ts'
import { type Feature, features } from './random-rules.ts'

export type HookChoice = 'netfilter' | 'xdp' | 'tc'

export const hookChoices: readonly HookChoice[] = ['netfilter', 'xdp', 'tc']

/** Whether the translator takes a rule set at a hook. */
export const isTranslatable = (ruleset: Ruleset, hook: HookChoice): boolean => {
  const lanes = lanesOf(hook, [ruleset.family])
  const counters = assignSlots(counterKeys(countedRules([ruleset])))
  return translate([ruleset], { lanes, counters }).kind === 'translated'
}

/** What no program at a hook can decide, and random rules for it must not ask. */
export const undecidable: Readonly<Record<HookChoice, readonly Feature[]>> = {
  netfilter: [],
  xdp: ['conntrack', 'state'],
  tc: ['conntrack', 'state'],
}

export const decidable = (hook: HookChoice): readonly Feature[] =>
  features.filter(feature => !undecidable[hook].includes(feature))

export const families: readonly Family[] = [4, 6]
