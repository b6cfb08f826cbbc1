import type { ConnectionState, StateMatch, Term } from 'iptables-parser'
import { ctnat, ctstate, domain } from '../field.ts'
import { type MaskTest, type SetTest, type Step, setTest } from '../test.ts'
import { complement, normalise, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const state: MatchTranslator<StateMatch> = match => stateSteps(match.states)

/** A packet has one state, and besides it the connection may be translated: SNAT and DNAT are asked of other bits. */
export function stateSteps({ value, negated }: Term<readonly ConnectionState[]>): Step[] {
  const states = normalise(
    value.flatMap(name => (name === 'SNAT' || name === 'DNAT' ? [] : single(ctstate[name]))),
  )
  const asked = value.reduce((bits, name) => bits | (name === 'SNAT' || name === 'DNAT' ? ctnat[name] : 0), 0)
  const within = (set: typeof states): SetTest => setTest('ctstate', set)
  if (asked === 0) return [within(negated ? complement(states, domain('ctstate', 4)) : states)]
  const untranslated: MaskTest = { kind: 'mask', field: 'ctnat', mask: asked, value: 0, negated: false }
  if (negated) return [within(complement(states, domain('ctstate', 4))), untranslated]
  return [{ kind: 'any', tests: [within(states), { ...untranslated, negated: true }] }]
}
