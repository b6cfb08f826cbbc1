// iptables-restore and ip6tables-restore: text becomes the rules in force, all or nothing.

import {
  type Family,
  isTableName,
  position,
  printRefusal,
  type RestoreOptions,
  RuleError,
  type Ruleset,
  refusalStatus,
  restoreSave,
} from 'iptables-parser'
import { applyChanges } from '../service/apply.ts'
import { editChanges, liveRuleset } from '../service/edit.ts'
import { type RuleFile, readRuleFiles, tablesLeft, withOwnTable } from '../service/rule-file.ts'
import { readSettings } from '../service/settings.ts'
import { type ExitCode, exitCode, UsageError } from './error.ts'
import { type GivenOptions, getopt, OptionError, type OptionSpec } from './getopt.ts'
import { messageVersion, programName, reportLocked, versionText } from './iptables.ts'
import { printRefusals } from './refusal.ts'
import { parseWait } from './wait.ts'

const specs: readonly OptionSpec[] = [
  { short: 'c', long: 'counters' },
  { short: 'v', long: 'verbose' },
  { short: 'V', long: 'version' },
  { short: 't', long: 'test' },
  { short: 'h', long: 'help' },
  { short: 'n', long: 'noflush' },
  { short: 'w', long: 'wait', argument: 'number' },
  { short: 'W', long: 'wait-interval', argument: 'number' },
  { short: 'T', long: 'table', argument: 'required' },
  { short: 'M', long: 'modprobe', argument: 'required' },
  { short: '4', long: 'ipv4' },
  { short: '6', long: 'ipv6' },
]

const usage = (program: string): string => `Usage: ${program} [OPTION…] [FILE]

Puts the rules of FILE, or of standard input, in force: all of them or none.

  -c, --counters        set counters to those in the file; else they start at zero
  -n, --noflush         keep what the file does not mention
  -t, --test            check the file and leave the rules as they are
  -T, --table TABLE     restore only this table of the file
  -v, --verbose         say what is emptied and deleted
  -w, --wait [SECONDS]  wait so long for another program that changes rules
  -4, -6                the family, where the command's name does not say it
  -V, --version
  -h, --help

Examples:
  ${program} < rules
  ${program} --test rules
`

/** Runs the command with what follows its name. */
export async function iptablesRestore(named: Family, words: readonly string[]): Promise<ExitCode> {
  const program = programName(named, '-restore')
  try {
    const given = getopt(words, specs)
    if (given.options.has('version')) return print(`${program} ${versionText}\n`)
    if (given.options.has('help')) return print(usage(program))
    return await restore(familyOf(named, given), given)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    process.stderr.write(`${program}: ${error.message}\nTry \`${program} -h' for more information.\n`)
    return exitCode.failed
  }
}

function print(text: string): ExitCode {
  process.stdout.write(text)
  return exitCode.done
}

const familyOf = (named: Family, { options }: GivenOptions): Family =>
  options.has('ipv6') ? 6 : options.has('ipv4') ? 4 : named

async function restore(family: Family, { options, operands }: GivenOptions): Promise<ExitCode> {
  if (operands.length > 1) throw new OptionError('Unknown arguments found on commandline')
  const wait = parseWait(options.get('wait'))
  const how = restoreOptions(options)
  const [file = { name: '-', text: '' }] = await readRuleFiles([operands[0] ?? '-'])
  try {
    const applied = await applyChanges(
      readSettings(),
      live => {
        if (options.has('verbose')) reportFlush(liveRuleset(live, family), how)
        return editChanges(live, family, ruleset => restoreOwn(ruleset, file, how))
      },
      { wait, dryRun: options.has('test') },
    )
    if (applied.kind !== 'refused') return exitCode.done
    printRefusals(applied.refusals)
    return exitCode.failed
  } catch (error) {
    return error instanceof RuleError
      ? reportRefusal(error, programName(family, '-restore'))
      : reportLocked(error, wait)
  }
}

function restoreOptions(options: GivenOptions['options']): RestoreOptions {
  const table = options.get('table')
  if (table !== undefined && !isTableName(table)) throw new UsageError(`there is no table ${table}`)
  return {
    counters: options.has('counters'),
    noflush: options.has('noflush'),
    remarks: true,
    ...(table && { table }),
  }
}

/** What becomes of our own table; refuses what the file has for others, which would be lost. */
function restoreOwn(ruleset: Ruleset, { name, text }: RuleFile, how: RestoreOptions): Ruleset {
  const restored = restoreSave(ruleset, text, { ...how, name })
  const [left] = tablesLeft(restored)
  if (left)
    throw new RuleError('ERR_TABLE', `bpftables does not run the table ${left.name}, and it has rules`, {
      ...(left.span && { span: left.span }),
      hint: `restore it with the kernel's own iptables-restore -T ${left.name}, and the rest with -T filter here`,
    })
  return withOwnTable(restored) ?? ruleset
}

/** What iptables-restore -v says before it reads the rules. */
function reportFlush({ tables }: Ruleset, { noflush }: RestoreOptions): void {
  if (noflush) return
  const chains = tables.flatMap(table => table.chains)
  const user = chains.filter(({ policy }) => policy === undefined)
  const lines = [
    ...chains.map(({ name }) => `Flushing chain \`${name}'\n`),
    ...user.map(({ name }) => `Deleting chain \`${name}'\n`),
  ]
  process.stdout.write(lines.join(''))
}

/** An error in iptables' own words where it has some for it, else in ours. */
function reportRefusal(error: RuleError, program: string): ExitCode {
  if (!error.refusal || !error.span) throw error
  const { line } = position(error.span)
  const status = refusalStatus(error)
  if (status === 1) process.stderr.write(`${program}: line ${line} failed\n`)
  else process.stderr.write(withLine(printRefusal(error, program, messageVersion), line))
  return status === 1 ? exitCode.failed : exitCode.usage
}

/** The line is said before the last line of the message, which says where there is help. */
function withLine(message: string, line: number): string {
  const last = message.lastIndexOf('\n', message.length - 2) + 1
  return `${message.slice(0, last)}Error occurred at line: ${line}\n${message.slice(last)}`
}
