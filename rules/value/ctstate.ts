import { RuleError } from '../error.ts'
import type { Conntrack } from '../packet.ts'

/** What --ctstate and --state may name, in the order iptables-save prints them. */
export const connectionStates = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
] as const
export type ConnectionState = (typeof connectionStates)[number]

/** A list such as `NEW,ESTABLISHED`, in any order and case; the result is in canonical order. */
export function parseStates(text: string, allowed: readonly ConnectionState[]): ConnectionState[] {
  const words = text.toUpperCase().split(',')
  const unknown = words.find(word => !allowed.some(state => state === word))
  if (unknown !== undefined)
    throw new RuleError('ERR_VALUE', `"${unknown}" is not a connection state`, {
      hint: `states are ${allowed.join(', ')}`,
    })
  return allowed.filter(state => words.includes(state))
}

/** A packet that conntrack has not seen is INVALID to both matches (net/netfilter/xt_conntrack.c, xt_state.c). */
export function stateMatches(states: readonly ConnectionState[], conntrack: Conntrack | undefined): boolean {
  if (!conntrack) return states.includes('INVALID')
  return (
    states.includes(conntrack.state) ||
    (conntrack.snat === true && states.includes('SNAT')) ||
    (conntrack.dnat === true && states.includes('DNAT'))
  )
}
