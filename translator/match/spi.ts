// Matches that ask for the security parameter index, or what IPComp has in its place.

import type { AhMatch, EspMatch, IpcompMatch, Range, Term } from 'iptables-parser'
import { domain } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { inclusive, intersect, single } from '../tree/interval.ts'
import { headerWanted } from './extension.ts'
import { rangeStep, valueStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const esp: MatchTranslator<EspMatch> = match => [...wholeHeader, ...rangeStep('spi', match.spi)]

/** In IPv4 it is the rule's protocol, in IPv6 an extension header. */
export const ah: MatchTranslator<AhMatch> = (match, { family }) =>
  family === 4 ? [...wholeHeader, ...rangeStep('spi', match.spi)] : authenticationHeader(match)

const authenticationHeader = ({ spi, header }: AhMatch): readonly Step[] => [
  ...headerWanted('authentication'),
  ...rangeStep('authentication-spi', spi),
  // the kernel takes a length of 0 for none asked
  ...(header?.length?.value ? valueStep('authentication-length', header.length) : []),
  ...(header?.reserved ? [setTest('authentication-reserved', single(0))] : []),
]

/** The compression parameter index has 16 bits, where others have a destination port (RFC 3173). */
export const ipcomp: MatchTranslator<IpcompMatch> = match => [...wholeHeader, ...indexStep(match.spi)]

function indexStep({ value: { low, high }, negated }: Term<Range>): Step[] {
  const index = intersect(inclusive(low, high), [domain('dport', 4)])
  return [setTerm('dport', 4, index, negated)]
}
