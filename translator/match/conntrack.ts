import type { ConntrackMatch } from 'iptables-parser'
import { stateSteps } from './state.ts'
import type { MatchTranslator } from './translate.ts'

export const conntrack: MatchTranslator<ConntrackMatch> = match =>
  match.states ? stateSteps(match.states) : []
