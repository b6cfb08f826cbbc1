import type { Conntrack } from '../packet.ts'
import { parseWords } from './words.ts'

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
export const parseStates = (text: string, allowed: readonly ConnectionState[]): ConnectionState[] =>
  parseWords(text, allowed, 'connection state')

/** A packet that conntrack has not seen is INVALID to both matches (net/netfilter/xt_conntrack.c, xt_state.c). */
export function stateMatches(states: readonly ConnectionState[], conntrack: Conntrack | undefined): boolean {
  if (!conntrack) return states.includes('INVALID')
  return (
    states.includes(conntrack.state) ||
    (conntrack.snat === true && states.includes('SNAT')) ||
    (conntrack.dnat === true && states.includes('DNAT'))
  )
}
