// yargs drops an operand `-`, taking it for an option without a name. A word that no command line can hold stands in for it.

import { UsageError } from './error.ts'

const STANDARD_INPUT = '\0'

/** Words that yargs leaves alone. */
export const hideDashes = (words: readonly string[]): string[] =>
  words.map(word => (word === '-' ? STANDARD_INPUT : word))

/** The positional FILE… of a command, `-` being standard input. */
export const fileOperands = {
  type: 'string',
  array: true,
  describe: 'Rule files; - is standard input',
  coerce: (names: readonly string[]): string[] => names.map(name => (name === STANDARD_INPUT ? '-' : name)),
} as const

/** Refuses a command line without files. yargs would too, but before it sees that an option is misspelt. */
export function requireFiles(names: readonly string[], command: string): void {
  if (names.length === 0) throw new UsageError('which files?', `Try "bpftables ${command} --help".`)
}
