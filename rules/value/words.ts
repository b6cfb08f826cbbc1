import { RuleError } from '../error.ts'

/**
 * A list such as `NEW,ESTABLISHED` of words from `allowed`, in any order and case, each perhaps shortened to its first letters:
 * the first allowed word that begins so is meant. The result is in the order of `allowed`.
 */
export function parseWords<W extends string>(text: string, allowed: readonly W[], what: string): W[] {
  const found = text.split(',').map(word => {
    const known = word === '' ? undefined : allowed.find(one => one.startsWith(word.toUpperCase()))
    if (known === undefined)
      throw new RuleError('ERR_VALUE', `"${word}" is not a ${what}`, {
        hint: `there are ${allowed.join(', ')}`,
      })
    return known
  })
  return allowed.filter(word => found.includes(word))
}
