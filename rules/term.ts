import type { Located } from './span.ts'

/** A value a rule asks for, or asks not to be. */
export interface Term<T> extends Located {
  readonly value: T
  readonly negated: boolean
}

export const term = <T>(value: T, negated = false): Term<T> => ({ value, negated })

/** `--option value`, or `! --option value`, with a blank before it; '' when there is no term. */
export function printTerm<T>(
  option: string,
  given: Term<T> | undefined,
  print: (value: T) => string,
): string {
  if (!given) return ''
  return `${given.negated ? ' !' : ''} --${option} ${print(given.value)}`
}

/** The term of an option as given; undefined where it was not. */
export const asTerm = <T>(given: Term<T> | undefined): Term<T> | undefined =>
  given && { value: given.value, negated: given.negated }

/** Whether a value is what a term asks for; a term not given asks nothing. */
export const agrees = <T>(given: Term<T> | undefined, test: (value: T) => boolean): boolean =>
  !given || test(given.value) !== given.negated

/** `!` before a term that is negated, as most listings show it. */
export const bang = (given: { readonly negated: boolean }): string => (given.negated ? '!' : '')

/** ` --option value`; '' where there is no value. For options that cannot be negated. */
export const printValue = <T>(
  option: string,
  value: T | undefined,
  print: (value: T) => string = String,
): string => (value === undefined ? '' : ` --${option} ${print(value)}`)

/** ` --option`, or '' where it was not given. */
export const printFlag = (option: string, given: boolean): string => (given ? ` --${option}` : '')

/** ` name value`, or ` ! name value`, as listings show most terms; '' where there is none. */
export const listTerm = <T>(
  name: string,
  given: Term<T> | undefined,
  print: (value: T) => string = String,
): string => (given ? `${given.negated ? ' !' : ''} ${name} ${print(given.value)}` : '')

/** The value, behind `mark` where it is negated. */
export const showTerm = <T>(
  given: Term<T>,
  print: (value: T) => string = String,
  mark: '!' | '! ' = '!',
): string => `${given.negated ? mark : ''}${print(given.value)}`

/** ` name value`; '' where there is no value. */
export const listValue = <T>(
  name: string,
  value: T | undefined,
  print: (value: T) => string = String,
): string => (value === undefined ? '' : ` ${name} ${print(value)}`)

/** ` name`, or '' where it was not given. */
export const listFlag = (name: string, given: boolean): string => (given ? ` ${name}` : '')
