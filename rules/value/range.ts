import { RuleError } from '../error.ts'
import { asTerm, showTerm, type Term } from '../term.ts'
import { parseNumber, type Range } from './number.ts'

/**
 * `number`, `low:high`, `low:` or `:high`, each from 0 to `last`. One that ends before it begins is an error, as since
 * iptables 1.8.10; before, it was taken and nothing lay in it.
 */
export function parseRange(text: string, last: number, what: string): Range {
  const [from = '', to, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range of ${what}s`, { hint: 'write low:high' })
  if (to === undefined) {
    const only = parseNumber(from, 0, last, what)
    return { low: only, high: only }
  }
  const low = from === '' ? 0 : parseNumber(from, 0, last, what)
  const high = to === '' ? last : parseNumber(to, 0, last, what)
  if (low > high) throw new RuleError('ERR_VALUE', `the range ${text} ends before it begins`)
  return { low, high }
}

export const printRange = ({ low, high }: Range): string => (low === high ? `${low}` : `${low}:${high}`)

/** A range given as an option. All numbers together ask nothing, so they are no term unless negated. */
export function rangeTerm(given: Term<Range> | undefined, last: number): Term<Range> | undefined {
  const asksNothing = given && !given.negated && given.value.low === 0 && given.value.high === last
  return asksNothing ? undefined : asTerm(given)
}

/** `id:5` or `ids:!5:6`, under the name it is given; '' where nothing is asked. */
export const listRange = (name: string, given: Term<Range> | undefined): string =>
  given ? `${name}${given.value.low === given.value.high ? '' : 's'}:${showTerm(given, printRange)}` : ''
