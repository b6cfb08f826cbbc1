import { RuleError } from '../error.ts'

/** One of a few words, spelt just so. */
export function parseWord<const W extends string>(text: string, words: readonly W[], what: string): W {
  const word = words.find(known => known === text)
  if (word !== undefined) return word
  throw new RuleError('ERR_VALUE', `"${text}" is not a ${what}`, { hint: `there are ${words.join(', ')}` })
}
