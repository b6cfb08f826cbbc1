import type { HlMatch, TtlMatch } from 'iptables-parser'
import { domain } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const ttl: MatchTranslator<TtlMatch> = match => hopSteps(match)
export const hl: MatchTranslator<HlMatch> = match => hopSteps(match)

function hopSteps({ comparison, value }: TtlMatch | HlMatch): Step[] {
  const { end } = domain('ttl', 4)
  if (comparison === 'lt') return [setTest('ttl', value === 0 ? [] : [{ low: 0, end: value }])]
  if (comparison === 'gt') return [setTest('ttl', value + 1 === end ? [] : [{ low: value + 1, end }])]
  return [setTerm('ttl', 4, single(value), comparison === 'ne')]
}
