import { RuleError } from '../error.ts'
import { parseNumber, type Range } from './number.ts'

/**
 * `number`, `low:high`, `low:` or `:high`, each from 0 to `last`. One that ends before it begins is taken, as iptables takes it;
 * no number lies in it.
 */
export function parseRange(text: string, last: number, what: string): Range {
  const [from = '', to, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range of ${what}s`, { hint: 'write low:high' })
  if (to === undefined) {
    const only = parseNumber(from, 0, last, what)
    return { low: only, high: only }
  }
  return {
    low: from === '' ? 0 : parseNumber(from, 0, last, what),
    high: to === '' ? last : parseNumber(to, 0, last, what),
  }
}

export const printRange = ({ low, high }: Range): string => (low === high ? `${low}` : `${low}:${high}`)
