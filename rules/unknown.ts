// Extensions that are not known here, from a newer iptables or one with extensions of its own. A rule file may be read with them:
// then they are kept as they stand, so that nothing is lost, and whoever runs the rules says that they do not translate.

import { coreOptions, shortOptions } from './command-option.ts'
import type { Located } from './span.ts'
import type { Token } from './token.ts'
import { printName } from './value/name.ts'

interface UnknownExtension extends Located {
  readonly kind: 'unknown'
  /** As it stands after -m or -j. */
  readonly name: string
  /** What follows it, each word as it was written, quotes and all. */
  readonly words: readonly string[]
}

export type UnknownMatch = UnknownExtension
export type UnknownTarget = UnknownExtension

/** Whether a rule with an extension that is not known is an error, as it is to iptables, or kept as it stands. */
export type UnknownPolicy = 'refuse' | 'keep'

/** Given where unknown extensions are kept: what -j names is one only if it is no chain. */
export interface KeepUnknown {
  isChain(name: string): boolean
}

/**
 * How many of the tokens from `from` on belong to an unknown extension: all before the next option of iptables itself. That is how
 * iptables-save writes them, each extension's options right behind it.
 */
export function countWords(tokens: readonly Token[], from: number): number {
  const end = tokens.findIndex((token, at) => at >= from && (isCore(token) || isCoreNegation(tokens, at)))
  return (end < 0 ? tokens.length : end) - from
}

function isCore({ text, quoted }: Token): boolean {
  if (quoted) return false
  return text.startsWith('--')
    ? coreOptions.has(text.slice(2))
    : text[0] === '-' && shortOptions.has(text.charAt(1))
}

function isCoreNegation(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at + 1]
  return tokens[at]?.text === '!' && next !== undefined && isCore(next)
}

/** A word as its source has it; one from an argument vector, which has no quotes, gets them where it needs them. */
export function written({ source, start, end, text }: Token): string {
  const slice = source.text.slice(start, end)
  return slice === text ? printName(text) : slice
}

/** ` -m name word …`, or with -j. */
export const printUnknown = (option: '-m' | '-j', { name, words }: UnknownExtension): string =>
  [` ${option}`, printName(name), ...words].join(' ')
