import { defined } from '../defined.ts'
import { type OptionTraits, option } from '../option.ts'
import { agrees, printTerm, type Term } from '../term.ts'
import { isIn, maximum, type Range } from './number.ts'
import { parseRange, printRange, rangeTerm } from './range.ts'

export const LAST_SPI = maximum(32)

/** A security parameter index, or a range of them (RFC 4301). */
export const spiOption = (traits: OptionTraits = {}) =>
  option(text => parseRange(text, LAST_SPI, 'SPI'), { negatable: true, ...traits })

/** As given; every SPI together asks nothing and is left out unless negated. */
export const spiTerm = (given: Term<Range> | undefined): { spi?: Term<Range> } =>
  defined({ spi: rangeTerm(given, LAST_SPI) })

export const printSpi = (name: string, term: Term<Range> | undefined): string =>
  printTerm(name, term, printRange)

export const spiMatches = (term: Term<Range> | undefined, spi: number): boolean =>
  agrees(term, range => isIn(spi, range))
