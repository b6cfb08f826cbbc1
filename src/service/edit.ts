// Editing the rules in force: as text is restored into them, or as commands change them. The counters of the rules in force are put
// into the rule set first; whatever an edit leaves with the counters it had goes on counting where it does.

import { type Family, printRuleset, type Ruleset } from 'iptables-parser'
import { readRulesetCounters } from '../stats/hits.ts'
import { withCounters } from './carry.ts'
import { type Live, readLive, requireOwnNamespace } from './live.ts'
import type { Change } from './plan.ts'
import type { Settings } from './settings.ts'

/** What an edit turns the rules of a family into; the same object where it changes nothing. */
export type RulesetEdit = (ruleset: Ruleset) => Ruleset

/** What is loaded for this network namespace, with its counters as they are now; undefined where nothing is. */
export function readLiveHits(settings: Settings): Live | undefined {
  const live = readLive(settings)
  if (!live) return undefined
  requireOwnNamespace(live)
  return withHits(settings, live)
}

/** What is loaded, with its counters. */
function withHits(settings: Settings, live: Live): Live {
  const counters = readRulesetCounters(settings, live)
  const rulesets = live.rulesets.map((loaded, at) => ({
    ...loaded,
    ruleset: withCounters(loaded.ruleset, counters[at] ?? []),
  }))
  return { ...live, rulesets }
}

/** The rules of a family that are in force; none where nothing is loaded. */
export const liveRuleset = (live: Live | undefined, family: Family): Ruleset =>
  live?.rulesets.find(({ ruleset }) => ruleset.family === family)?.ruleset ?? { family, tables: [] }

/** The change that an edit of what is in force comes to. `live` must come from readLiveHits. */
export function editChanges(live: Live | undefined, family: Family, edit: RulesetEdit): readonly Change[] {
  const before = liveRuleset(live, family)
  const ruleset = edit(before)
  if (ruleset === before || (ruleset.tables.length === 0 && before.tables.length === 0)) return []
  return [
    {
      ruleset,
      text: printRuleset(ruleset, { remarks: true, asRead: true }),
      carry: { kind: 'identity' },
      setCounters: true,
    },
  ]
}
