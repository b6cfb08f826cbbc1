// Chains whose code is not what it was once a chain is edited: the chain, and all that lead to it, since each may stand in place in the code of the next. Their
// code in functions that go on is not come to any more, and look-ups that call them are told so.

import { calledBy, type Request } from './request.ts'
import type { ChainPlace, EditState } from './state.ts'

/** So many chains are looked for among all rules; where more lead to a chain, all rules are translated. */
const MOST_STALE = 64

/** The chains of a table, by its family and name. */
export type StaleChains = ReadonlyMap<string, ReadonlySet<string>>

export const tableKey = ({ family, table }: Pick<ChainPlace, 'family' | 'table'>): string =>
  `${family} ${table}`

/** The chains that a place's chain is reached from, itself among them; undefined where that cannot be told. Each call is given to `found`. */
export function leadingTo(
  state: EditState,
  place: ChainPlace,
  found: (caller: ChainPlace, rule: string) => void = () => {},
): ReadonlySet<string> | undefined {
  if (state.hasUnknown(place.family)) return undefined
  const chains = new Set([place.chain])
  for (const chain of chains)
    for (const { chain: caller, rule } of state.calling({ ...place, chain })) {
      chains.add(caller)
      if (chains.size > MOST_STALE) return undefined
      found({ ...place, chain: caller }, rule)
    }
  return chains
}

/** What edits of these chains, which have been made, leave stale; look-ups that call it are told. Undefined where that cannot be told. */
export function staleAfter(state: EditState, places: readonly ChainPlace[]): StaleChains | undefined {
  const stale = new Map<string, Set<string>>()
  for (const place of places) {
    const chains = leadingTo(state, place, (caller, rule) => state.touch(caller, rule))
    if (!chains) return undefined
    const own = stale.get(tableKey(place)) ?? new Set()
    for (const chain of chains) own.add(chain)
    stale.set(tableKey(place), own)
  }
  return stale
}

/** Whether a request leads to no chain, or to one that is there and does not lead back. */
export function leadsOn(state: EditState, place: ChainPlace, { kind, rule }: Request): boolean {
  const chain = calledBy(rule)
  if (chain === undefined || kind === 'delete') return true
  const called = state.chain({ ...place, chain })
  return called !== undefined && !called.policy && leadingTo(state, place)?.has(chain) === false
}
