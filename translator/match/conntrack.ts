import type { ConntrackMatch } from 'iptables-parser'
import { stateSteps } from './state.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

/** Everything but the state is asked of the connection itself, which no field holds. */
export const conntrack: MatchTranslator<ConntrackMatch> = ({ kind, states, ...rest }) => {
  const [asked] = Object.keys(rest).filter(name => name !== 'span')
  if (asked !== undefined)
    throw new Untranslatable(`only --ctstate of ${kind} can be asked; not the connection's ${asked}`)
  return states ? stateSteps(states) : []
}
