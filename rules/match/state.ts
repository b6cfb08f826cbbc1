import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, printTerm, type Term, term } from '../term.ts'
import { type ConnectionState, parseStates, stateMatches } from '../value/ctstate.ts'

export interface StateMatch {
  readonly kind: 'state'
  readonly states: Term<readonly ConnectionState[]>
}

const STATES: readonly ConnectionState[] = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED']

export const state = defineMatch<StateMatch>()({
  name: 'state',
  options: { state: option(text => parseStates(text, STATES), { negatable: true, required: true }) },
  build: ({ state: given }) => ({ kind: 'state', states: asTerm(given) ?? term([]) }),
  print: match => printTerm('state', match.states, states => states.join(',')),
  list: ({ states }) => ` ${states.negated ? '! ' : ''}state ${states.value.join(',')}`,
  evaluate: (match, packet) => agrees(match.states, states => stateMatches(states, packet.conntrack)),
})
