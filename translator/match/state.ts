import type { ConnectionState, StateMatch, Term } from 'iptables-parser'
import { ctstate, ctstatus, domain } from '../field.ts'
import { type MaskTest, type SetTest, type Step, setTest } from '../test.ts'
import { complement, type IntervalSet, inclusive, normalise, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const state: MatchTranslator<StateMatch> = match => stateSteps(match.states)

/** States of packets that belong to a connection. */
export const tracked: IntervalSet = inclusive(ctstate.NEW, ctstate.ESTABLISHED)

const isTranslation = (name: ConnectionState): name is 'SNAT' | 'DNAT' => name === 'SNAT' || name === 'DNAT'

/** A packet has one state, and besides it the connection may be translated: SNAT and DNAT are asked of other bits. */
export function stateSteps({ value, negated }: Term<readonly ConnectionState[]>): Step[] {
  const states = normalise(value.flatMap(name => (isTranslation(name) ? [] : single(ctstate[name]))))
  const asked = value.filter(isTranslation).reduce((bits, name) => bits | ctstatus[name], 0)
  const within = (set: IntervalSet): SetTest => setTest('ctstate', set)
  const others = complement(states, domain('ctstate', 4))
  if (asked === 0) return [within(negated ? others : states)]
  const untranslated: MaskTest = { kind: 'mask', field: 'ctstatus', mask: asked, value: 0, negated: false }
  if (negated) return [within(others), untranslated]
  return [{ kind: 'any', tests: [within(states), { ...untranslated, negated: true }] }]
}
