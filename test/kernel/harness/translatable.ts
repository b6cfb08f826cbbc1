import type { Family, Ruleset } from 'iptables-parser'
import { newLayout } from '../../../translator/counter.ts'
import { lanesFor } from '../../../translator/lane.ts'
import { translate } from '../../../translator/translate.ts'
import { type Feature, features } from './random-rules.ts'

export type HookChoice = 'netfilter' | 'xdp' | 'tc'

export const hookChoices: readonly HookChoice[] = ['netfilter', 'xdp', 'tc']

/** Whether the translator takes a rule set at a hook. */
export const isTranslatable = (ruleset: Ruleset, hook: HookChoice): boolean => {
  const lanes = lanesFor(hook, [ruleset])
  const counters = newLayout([ruleset])
  return translate([ruleset], { lanes, counters }).kind === 'translated'
}

/** What an earlier hook is not told of. */
const unknownAtIngress: readonly Feature[] = [
  'conntrack',
  'state',
  'connection',
  'connmark',
  'mark',
  'cpu',
  'physdev',
]

/** What no program at a hook can decide, and random rules for it must not ask. */
export const undecidable: Readonly<Record<HookChoice, readonly Feature[]>> = {
  netfilter: [],
  xdp: unknownAtIngress,
  tc: unknownAtIngress,
}

export const decidable = (hook: HookChoice): readonly Feature[] =>
  features.filter(feature => !undecidable[hook].includes(feature))

export const families: readonly Family[] = [4, 6]
