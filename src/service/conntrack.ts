import type { Match, Ruleset } from 'iptables-parser'

/** Matches that ask conntrack for the state of a packet's connection. */
const asking: ReadonlySet<Match['kind']> = new Set(['conntrack', 'state'] as const)

/** Whether a rule asks for connection state, so that connection tracking must run. */
export const needsConntrack = (rulesets: readonly Ruleset[]): boolean =>
  rulesets.some(({ tables }) =>
    tables.some(({ chains }) =>
      chains.some(({ rules }) => rules.some(({ matches }) => matches.some(({ kind }) => asking.has(kind)))),
    ),
  )
