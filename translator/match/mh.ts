import type { MhMatch } from 'iptables-parser'
import { setTerm } from '../test.ts'
import { single } from '../tree/interval.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

const NO_NEXT_HEADER = 59

/** A mobility header with another behind it is malformed (RFC 6275 section 6.1.1). */
export const mh: MatchTranslator<MhMatch> = ({ type }) => [
  ...wholeHeader,
  { kind: 'hotdrop', when: setTerm('mobility-next', 6, single(NO_NEXT_HEADER), true) },
  ...rangeStep('mobility-type', type),
]
