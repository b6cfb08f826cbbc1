import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, printTerm, type Term } from '../term.ts'
import { type ConnectionState, connectionStates, parseStates, stateMatches } from '../value/ctstate.ts'

export interface ConntrackMatch {
  readonly kind: 'conntrack'
  readonly states?: Term<readonly ConnectionState[]>
}

export const conntrack = defineMatch<ConntrackMatch>()({
  name: 'conntrack',
  options: { ctstate: option(text => parseStates(text, connectionStates), { negatable: true }) },
  requiresOneOf: ['ctstate'],
  build: ({ ctstate }) => ({ kind: 'conntrack', ...defined({ states: asTerm(ctstate) }) }),
  print: match => printTerm('ctstate', match.states, states => states.join(',')),
  evaluate: (match, packet) => agrees(match.states, states => stateMatches(states, packet.conntrack)),
})
