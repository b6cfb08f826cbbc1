// Matches that ask for the security parameter index, or what IPComp has in its place.

import type { AhMatch, EspMatch, IpcompMatch, Range, Term } from 'iptables-parser'
import { domain } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { inclusive, intersect } from '../tree/interval.ts'
import { rangeStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const esp: MatchTranslator<EspMatch> = match => [...wholeHeader, ...rangeStep('spi', match.spi)]

export const ah: MatchTranslator<AhMatch> = (match, { family }) => {
  if (family === 6) throw new Untranslatable('IPv6 extension headers are not translated')
  return [...wholeHeader, ...rangeStep('spi', match.spi)]
}

/** The compression parameter index has 16 bits, where others have a destination port (RFC 3173). */
export const ipcomp: MatchTranslator<IpcompMatch> = match => [...wholeHeader, ...indexStep(match.spi)]

function indexStep({ value: { low, high }, negated }: Term<Range>): Step[] {
  const index = intersect(inclusive(low, high), [domain('dport', 4)])
  return [setTerm('dport', 4, index, negated)]
}
