import type { Match, Rule, Ruleset, Table } from 'iptables-parser'
import { hooksOfTable } from './hook/place.ts'

/** Extensions for which the kernel keeps connection tracking running (and with it defragmentation) while a rule has them (their checkentry calls nf_ct_netns_get). */
export const TRACKING: ReadonlySet<string> = new Set([
  'cluster',
  'connbytes',
  'connlabel',
  'connlimit',
  'connmark',
  'conntrack',
  'helper',
  'state',
])

/** Whether iptables would have connections tracked for these rule sets; unreachable rules count too. */
export const needsConntrack = (rulesets: readonly Ruleset[]): boolean => rulesets.some(tracks)

/** It is asked of the same rules for each of their lanes. */
const tracking = new WeakMap<Ruleset, boolean>()

function tracks(ruleset: Ruleset): boolean {
  const known = tracking.get(ruleset) ?? ruleset.tables.some(isTracking)
  tracking.set(ruleset, known)
  return known
}

const tracksIt = ({ kind }: Match): boolean => TRACKING.has(kind)

function isTracking({ name, chains }: Table): boolean {
  if (hooksOfTable(name).length === 0) return false
  for (const { rules } of chains)
    for (let at = 0; at < rules.length; at++) {
      const { matches } = rules[at] as Rule
      // most of thousands of rules have none
      if (matches.length > 0 && matches.some(tracksIt)) return true
    }
  return false
}
