import { RuleError } from '../error.ts'
import { maximum, parseNumber, type Range } from './number.ts'

/** The last user or group number; the one behind it stands for none. */
const LAST = maximum(32) - 1

/** Accounts that every system has under the same number. */
const NAMES: Readonly<Record<string, number>> = { root: 0 }

/** `number`, `low-high` or `low:high` of users or groups. */
export function parseOwners(text: string, what: 'user' | 'group'): Range {
  const named = NAMES[text]
  if (named !== undefined) return { low: named, high: named }
  if (!/^[\s+]*\d/.test(text))
    throw new RuleError('ERR_VALUE', `the ${what} "${text}" is given by name`, {
      hint: `names are not looked up, since rules must mean the same everywhere: write the number (id ${what === 'user' ? '-u' : '-g'} tells it)`,
    })
  const [from = '', to = from, ...rest] = text.split(/[-:]/)
  if (rest.length > 0) throw new RuleError('ERR_VALUE', `"${text}" is not a range of ${what}s`)
  const range = { low: parseNumber(from, 0, LAST, what), high: parseNumber(to, 0, LAST, what) }
  if (range.low > range.high) throw new RuleError('ERR_VALUE', `the range ${text} ends before it begins`)
  return range
}

export const printOwners = ({ low, high }: Range): string => (low === high ? `${low}` : `${low}-${high}`)

/** With names, as far as every system has them. */
export const nameOwners = (owners: Range): string =>
  Object.keys(NAMES).find(name => NAMES[name] === owners.low && NAMES[name] === owners.high) ??
  printOwners(owners)
