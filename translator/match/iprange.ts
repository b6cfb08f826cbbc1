import type { Family, IprangeMatch } from 'iptables-parser'
import { pointOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { inclusive } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const iprange: MatchTranslator<IprangeMatch> = ({ source, destination }, { family }) => [
  ...addressRange('saddr', source, family),
  ...addressRange('daddr', destination, family),
]

/** Nothing lies in a range that ends before it begins. */
function addressRange(field: 'saddr' | 'daddr', asked: IprangeMatch['source'], family: Family): Step[] {
  if (!asked) return []
  const { low, high } = asked.value
  const point = (address: bigint) => pointOf(field, family, address)
  return [setTerm(field, family, low > high ? [] : inclusive(point(low), point(high)), asked.negated)]
}
