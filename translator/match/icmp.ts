import type { IcmpMatch, IcmpType, Term } from 'iptables-parser'
import { domain } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { complement, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const icmp: MatchTranslator<IcmpMatch> = match => [...wholeHeader, ...typeSteps(match.type)]

/** Type and code are asked together, so the negation of both is: another type, or another code. */
export function typeSteps({ value: { type, code }, negated }: Term<IcmpType>): Step[] {
  if (type === undefined) return negated ? [{ kind: 'never' }] : []
  if (code === undefined) return [setTerm('icmp-type', 4, single(type), negated)]
  if (!negated) return [setTest('icmp-type', single(type)), setTest('icmp-code', single(code))]
  const other = (field: 'icmp-type' | 'icmp-code', value: number) =>
    setTest(field, complement(single(value), domain(field, 4)))
  return [{ kind: 'any', tests: [other('icmp-type', type), other('icmp-code', code)] }]
}
