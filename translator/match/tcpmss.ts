import type { TcpmssMatch } from 'iptables-parser'
import { mss } from '../field.ts'
import { setTest } from '../test.ts'
import { complement, inclusive, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/** A negated range takes packets without the option too. A later fragment is read as if it began with a TCP header. */
export const tcpmss: MatchTranslator<TcpmssMatch> = ({ mss: { value, negated } }) => {
  const wanted = inclusive(value.low, value.high)
  return [
    { kind: 'hotdrop', when: setTest('mss', single(mss.malformed)) },
    setTest('mss', negated ? complement(wanted, { low: 0, end: mss.malformed }) : wanted),
  ]
}
