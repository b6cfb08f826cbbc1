import type { Argv } from 'yargs'
import type { ExitCode } from './error.ts'

/** One subcommand of bpftables, with its options and what it does. */
export interface Command<O = never> {
  /** Declares positionals, options and examples. */
  readonly options: (yargs: Argv) => Argv<O>
  readonly run: (options: O) => Promise<ExitCode> | ExitCode
}

/** Declares a command; its options' types flow from `options` into `run`. */
export const defineCommand = <O>(command: Command<O>): Command => command as unknown as Command

/** The family of files, where it is not told by themselves. */
export const familyOption = {
  choices: [4, 6],
  type: 'number',
  describe: 'IP version of the files; told by name, header or addresses if not given',
} as const

/** Of commands that translate and load nothing. */
export const translatedHookOption = {
  choices: ['xdp', 'tc', 'netfilter'],
  default: 'netfilter',
  describe: 'Where the programs are to run',
} as const

export const jsonOption = { type: 'boolean', default: false, describe: 'Print one JSON document' } as const
