import { RuleError } from '../error.ts'
import { quoted, utf8Length } from './quote.ts'

/** The name of something that lives in the kernel: a list, a set, an estimator. `size` is that of the kernel's field, with its NUL. */
export function parseName(text: string, size: number, what: string): string {
  if (text === '') throw new RuleError('ERR_VALUE', `the ${what} has no name`)
  if (utf8Length(text) >= size)
    throw new RuleError('ERR_VALUE', `the ${what} name "${text}" is too long`, {
      hint: `at most ${size - 1} bytes`,
    })
  return text
}

/** Bare, as iptables-save prints it, but quoted where its own iptables-restore could not read that back. */
export const printName = (name: string): string => (/^$|[\s"\\]/.test(name) ? quoted(name) : name)
