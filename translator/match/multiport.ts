import type { MultiportMatch } from 'iptables-parser'
import { type Step, setTerm, setTest } from '../test.ts'
import { inclusive, normalise } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'
import { portsHeader } from './transport.ts'

export const multiport: MatchTranslator<MultiportMatch> = match => [...portsHeader, ...portSteps(match)]

function portSteps({ side, ports: { value, negated } }: MultiportMatch): Step[] {
  const set = normalise(value.flatMap(({ low, high }) => inclusive(low, high)))
  const step = (field: 'sport' | 'dport') => setTerm(field, 4, set, negated)
  if (side === 'sports') return [step('sport')]
  if (side === 'dports') return [step('dport')]
  // neither may be in the set where it is negated
  if (negated) return [step('sport'), step('dport')]
  return [{ kind: 'any', tests: [setTest('sport', set), setTest('dport', set)] }]
}
