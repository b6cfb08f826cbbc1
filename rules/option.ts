// Options of matches and targets, described once and typed: the description drives parsing, abbreviation, negation, the
// checks for required and exclusive options, and the type of what an extension is given.

import type { Family } from './family.ts'
import type { Span } from './span.ts'

/** What a value's meaning may depend on. */
export interface ValueContext {
  readonly family: Family
  /** The rule's protocol where it names one and does not negate it; service names depend on it. */
  readonly protocol?: number
}

export interface OptionTraits {
  /** Other spellings, without dashes. */
  readonly aliases?: readonly string[]
  /** One letter, where the option has a short form too. */
  readonly short?: string
  /** `!` may stand before it. */
  readonly negatable?: boolean
  /** It may be given more than once; otherwise a second is an error. */
  readonly repeatable?: boolean
  /** The rule must have it. */
  readonly required?: boolean
  /** Families that know it; all unless given. */
  readonly families?: readonly Family[]
  /** Options it cannot stand beside. */
  readonly excludes?: readonly string[]
}

export interface OptionSpec<T> extends OptionTraits {
  /** How many arguments follow; `optional` is one that may be left out. */
  readonly arity: 0 | 1 | 2 | 'optional'
  /** Turns the arguments into what they mean. Throws RuleError('ERR_VALUE') without a place. */
  parse(words: readonly string[], context: ValueContext): T
}

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>

/** One option as a rule gave it. */
export interface Given<T> {
  readonly value: T
  readonly negated: boolean
  readonly span: Span
}

/** What a rule gave of each option of a table: under an option's name its last use. */
export type GivenOptions<O extends OptionTable> = {
  readonly [K in keyof O]?: Given<ReturnType<O[K]['parse']>>
}

/** One use of an option, for the few extensions to which order or repetition means something. */
export interface OptionUse extends Given<unknown> {
  readonly name: string
}

/** An option without an argument. */
export const flag = (traits: OptionTraits = {}): OptionSpec<true> => ({
  ...traits,
  arity: 0,
  parse: () => true,
})

/** An option with one argument. */
export const option = <T>(
  parse: (text: string, context: ValueContext) => T,
  traits: OptionTraits = {},
): OptionSpec<T> => ({
  ...traits,
  arity: 1,
  parse: ([text = ''], context) => parse(text, context),
})

/** An option with two arguments, such as `--tcp-flags MASK SET`. */
export const pair = <T>(
  parse: (first: string, second: string, context: ValueContext) => T,
  traits: OptionTraits = {},
): OptionSpec<T> => ({
  ...traits,
  arity: 2,
  parse: ([first = '', second = ''], context) => parse(first, second, context),
})

/** An option whose argument may be left out. */
export const optional = <T>(
  parse: (text: string | undefined, context: ValueContext) => T,
  traits: OptionTraits = {},
): OptionSpec<T> => ({ ...traits, arity: 'optional', parse: ([text], context) => parse(text, context) })
