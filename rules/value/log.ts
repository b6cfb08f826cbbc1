import { RuleError } from '../error.ts'
import { utf8Length } from './quote.ts'

/**
 * What a log line begins with. As with iptables, what the kernel's field has no room for is cut off; but here between
 * characters, so that the rest is text still.
 */
export function parsePrefix(text: string, bytes: number): string {
  if (text === '') throw new RuleError('ERR_VALUE', 'the prefix is empty', { hint: 'leave the option out' })
  let fits = ''
  for (const character of text) {
    if (utf8Length(fits + character) > bytes) break
    fits += character
  }
  return fits
}
