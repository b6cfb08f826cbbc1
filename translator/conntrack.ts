import type { Ruleset } from 'iptables-parser'
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
export const needsConntrack = (rulesets: readonly Ruleset[]): boolean =>
  rulesets.some(({ tables }) =>
    tables.some(
      table =>
        hooksOfTable(table.name).length > 0 &&
        table.chains.some(chain =>
          chain.rules.some(rule => rule.matches.some(({ kind }) => TRACKING.has(kind))),
        ),
    ),
  )
