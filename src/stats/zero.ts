// Setting counters to zero, so that nothing is lost between reading and zeroing: the rules go on in slots of their own, which begin at
// zero, and what the old slots hold in the end is what was counted until then.

import { applyCommand, chainOf, parseCommand, type Ruleset } from 'iptables-parser'
import { applyChanges } from '../service/apply.ts'
import { editChanges } from '../service/edit.ts'
import { ServiceError } from '../service/error.ts'
import type { Live } from '../service/live.ts'
import type { LockWait } from '../service/lock.ts'
import type { Settings } from '../service/settings.ts'
import { type RuleHits, readHits } from './hits.ts'

/** Zeroes the counters of a chain, or of all, in both families; what all rules had counted until then. */
export async function zeroHits(
  settings: Settings,
  chain: string | undefined,
  wait: LockWait,
): Promise<readonly RuleHits[]> {
  const applied = await applyChanges(settings, live => zeroChanges(live, chain), { wait })
  if (applied.kind === 'applied' && applied.before) return readHits(settings, applied.before)
  throw new ServiceError(
    'ERR_NOT_LOADED',
    chain ? `no rules of a chain ${chain} are loaded` : 'no rules are loaded',
  )
}

const zeroChanges = (live: Live | undefined, chain: string | undefined) =>
  (live?.rulesets ?? [])
    .filter(({ ruleset }) => chain === undefined || hasChain(ruleset, chain))
    .flatMap(({ ruleset: { family } }) => editChanges(live, family, ruleset => zeroed(ruleset, chain)))

const hasChain = ({ tables }: Ruleset, chain: string): boolean =>
  tables.some(table => chainOf(table, chain) !== undefined)

const zeroed = (ruleset: Ruleset, chain: string | undefined): Ruleset =>
  ruleset.tables
    .filter(table => chain === undefined || chainOf(table, chain))
    .map(({ name }) => ['-t', name, '-Z', ...(chain === undefined ? [] : [chain])])
    .reduce((zeroing, words) => applyCommand(zeroing, parseCommand(words, ruleset.family)), ruleset)
