// iptables-restore and ip6tables-restore: text becomes the rules in force, all or nothing.

import {
  type Family,
  isTableName,
  position,
  printRefusal,
  type RestoreOptions,
  RuleError,
  type Ruleset,
  readFewEdits,
  refusalStatus,
} from 'iptables-parser'
import { applyChanges } from '../service/apply.ts'
import { editChanges } from '../service/edit.ts'
import { editQuickly } from '../service/incremental/quick.ts'
import { type LockWait, withLock } from '../service/lock.ts'
import { type Beside, beside, heldBeside } from '../service/passthrough/beside.ts'
import { PassthroughRefusal } from '../service/passthrough/handover.ts'
import { type Shared, shareRestore } from '../service/passthrough/share.ts'
import { readRuleFiles } from '../service/rule-file.ts'
import { readSettings } from '../service/settings.ts'
import { describeError, type ExitCode, exitCode, UsageError } from './error.ts'
import { type GivenOptions, getopt, OptionError, type OptionSpec } from './getopt.ts'
import { messageVersion, programName, reportLocked, versionText } from './iptables.ts'
import { print } from './print.ts'
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

const familyOf = (named: Family, { options }: GivenOptions): Family =>
  options.has('ipv6') ? 6 : options.has('ipv4') ? 4 : named

async function restore(family: Family, { options, operands }: GivenOptions): Promise<ExitCode> {
  if (operands.length > 1) throw new OptionError('Unknown arguments found on commandline')
  const wait = parseWait(options.get('wait'))
  const how = restoreOptions(options)
  const [file = { name: '-', text: '' }] = await readRuleFiles([operands[0] ?? '-'])
  const settings = readSettings()
  const held = heldBeside(settings, family)
  let shared: Shared | undefined
  let other: Beside | undefined
  const decide = (ruleset: Ruleset): Ruleset => {
    shared = shareRestore(ruleset, file, how, wordsFor(options), held)
    if (options.has('verbose')) reportFlush(ruleset, shared.ruleset, how)
    return shared.ruleset
  }
  try {
    const few = isMerge(options) ? readFewEdits(file.text, family) : undefined
    if (few && (await withLock(settings, wait, () => editQuickly(settings, few)))) return exitCode.done
    const applied = await applyChanges(settings, live => editChanges(live, family, decide), {
      wait,
      dryRun: options.has('test'),
      beside: () => {
        other = shared && beside(settings, shared.batches, shared.handed)
        return other
      },
    })
    if (applied.kind !== 'refused') return print(other?.said() ?? '')
    printRefusals(applied.refusals)
    return exitCode.failed
  } catch (error) {
    return reportFailure(error, programName(family, '-restore'), wait)
  }
}

/** -n, and nothing that would be said or done beside. */
const isMerge = (options: GivenOptions['options']): boolean =>
  options.has('noflush') && [...options.keys()].every(name => mergeOptions.has(name))

const mergeOptions: ReadonlySet<string> = new Set(['noflush', 'wait', 'wait-interval', 'ipv4', 'ipv6'])

function reportFailure(error: unknown, program: string, wait: LockWait): ExitCode {
  if (error instanceof RuleError) return reportRefusal(error, program)
  if (!(error instanceof PassthroughRefusal)) return reportLocked(error, wait)
  process.stderr.write(error.output)
  return error.status as ExitCode
}

/** The options that the kernel's own iptables-restore is given too; which tables it restores is up to the text. */
const wordsFor = (options: GivenOptions['options']): string[] =>
  passedOn.flatMap(name => {
    const value = options.get(name)
    if (value === undefined) return []
    return value === '' ? [`--${name}`] : [`--${name}`, value]
  })

const passedOn = ['counters', 'noflush', 'verbose', 'wait', 'wait-interval', 'modprobe'] as const

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

/** What iptables-restore -v says of the tables it replaces. */
function reportFlush(before: Ruleset, after: Ruleset, { noflush }: RestoreOptions): void {
  if (noflush) return
  const chains = before.tables.filter(table => !after.tables.includes(table)).flatMap(table => table.chains)
  const user = chains.filter(({ policy }) => policy === undefined)
  const lines = [
    ...chains.map(({ name }) => `Flushing chain \`${name}'\n`),
    ...user.map(({ name }) => `Deleting chain \`${name}'\n`),
  ]
  process.stdout.write(lines.join(''))
}

/** An error in iptables' own words where it has some for it, else in ours. */
function reportRefusal(error: RuleError, program: string): ExitCode {
  if (!error.refusal || !error.span) return reportInOwnWords(error)
  const { line } = position(error.span)
  const status = refusalStatus(error)
  if (status === 1) process.stderr.write(`${program}: line ${line} failed\n`)
  else process.stderr.write(withLine(printRefusal(error, program, messageVersion), line))
  return status === 1 ? exitCode.failed : exitCode.usage
}

/** Of an option or its value that iptables does not take either, with the exit code that it has for these. */
function reportInOwnWords(error: RuleError): ExitCode {
  if (error.code !== 'ERR_OPTION' && error.code !== 'ERR_VALUE') throw error
  process.stderr.write(`${describeError(error)}\n`)
  return exitCode.usage
}

/** The line is said before the last line of the message, which says where there is help. */
function withLine(message: string, line: number): string {
  const last = message.lastIndexOf('\n', message.length - 2) + 1
  return `${message.slice(0, last)}Error occurred at line: ${line}\n${message.slice(last)}`
}
