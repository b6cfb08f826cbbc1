// The command `bpftables`. Only the subcommand that is asked for is loaded.

import yargs, { type Argv } from 'yargs'
import type { Command } from './command.ts'
import { dropIns } from './drop-in.ts'
import { type ExitCode, exitCode, UsageError } from './error.ts'
import { hideDashes } from './operand.ts'
import { packageVersion } from './version.ts'

interface Subcommand {
  /** Positionals as yargs spells them. */
  readonly usage: string
  readonly describe: string
  readonly load: () => Promise<{ readonly command: Command }>
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  apply: {
    usage: '[file..]',
    describe: 'Put rules in force, in one step for all hooks',
    load: () => import('./apply.ts'),
  },
  check: {
    usage: '[file..]',
    describe: 'Say what does not translate, and which rules no packet meets',
    load: () => import('./check.ts'),
  },
  convert: {
    usage: '[file..]',
    describe: 'Turn rules into a BPF object, a listing, a tree or a report; needs no root',
    load: () => import('./convert.ts'),
  },
  detach: {
    usage: '',
    describe: 'Stop filtering and leave nothing behind',
    load: () => import('./detach.ts'),
  },
  explain: {
    usage: '[packet..]',
    describe: 'Say which rules a packet meets, and what becomes of it',
    load: () => import('./explain.ts'),
  },
  fmt: {
    usage: '[file..]',
    describe: "Print rules as the kernel's own iptables-save would",
    load: () => import('./fmt.ts'),
  },
  stats: {
    usage: '',
    describe: 'Show how often each rule was hit',
    load: () => import('./stats.ts'),
  },
  status: {
    usage: '',
    describe: 'Show what is attached where, and whether the rules are enforced',
    load: () => import('./status.ts'),
  },
}

/** Runs `bpftables …`; the exit code is what it resolves to. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const [name = '', ...rest] = argv
  const dropIn = dropIns[name]
  if (dropIn) return dropIn(rest)
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
  return subcommand ? runSubcommand(name, subcommand, argv) : describeSubcommands(argv)
}

async function runSubcommand(
  name: string,
  { usage, describe, load }: Subcommand,
  argv: readonly string[],
): Promise<ExitCode> {
  const { command } = await load()
  let code: Promise<ExitCode> | ExitCode = exitCode.done
  // to a handler that returns a promise yargs answers by laying out the help, whether it is asked for or not
  const run = (options: never): void => {
    code = command.run(options)
  }
  await base(argv, name).command(`${name} ${usage}`.trim(), describe, command.options, run).parseAsync()
  return code
}

/** Help and version, and what to say to a subcommand that there is not. */
async function describeSubcommands(argv: readonly string[]): Promise<ExitCode> {
  const parser = base(argv).usage('$0 COMMAND\n\nRuns iptables rules as eBPF programs.')
  for (const [name, { usage, describe }] of Object.entries(subcommands))
    parser.command(`${name} ${usage}`.trim(), describe)
  for (const name of Object.keys(dropIns)) parser.command(name, `As ${name}(8); also a command of its own`)
  parser.demandCommand(1, 'which command?').epilogue('bpftables COMMAND --help says more about each.')
  await parser.parseAsync()
  return exitCode.done
}

const base = (argv: readonly string[], name?: string): Argv =>
  yargs(hideDashes(argv))
    .scriptName('bpftables')
    .version(packageVersion())
    .help()
    .strict()
    .exitProcess(false)
    .showHelpOnFail(false)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message: string, error: Error | undefined) => {
      throw error ?? new UsageError(message, `Try "bpftables ${name ? `${name} ` : ''}--help".`)
    })
