// iptables and ip6tables: one command on the rules in force.

import {
  type Command,
  type Family,
  iptablesName,
  parseCommand,
  printRefusal,
  printRuleEdit,
  RuleError,
  refusalStatus,
  runCommand,
} from 'iptables-parser'
import { hasRule } from '../service/incremental/check.ts'
import { editQuickly } from '../service/incremental/quick.ts'
import { type LockWait, withLock } from '../service/lock.ts'
import { readSettings, type Settings } from '../service/settings.ts'
import { type ExitCode, exitCode } from './error.ts'
import { messageVersion, reportLocked, requireOwnTable, versionText } from './iptables.ts'

const usage = (program: string): string => `Usage: ${program} -A|-C|-D CHAIN RULE…
       ${program} -I CHAIN [NUMBER] RULE…
       ${program} -R CHAIN NUMBER RULE…
       ${program} -D CHAIN NUMBER
       ${program} -L|-S [CHAIN [NUMBER]] [-v] [-n] [-x] [--line-numbers]
       ${program} -F|-Z [CHAIN]
       ${program} -N|-X CHAIN
       ${program} -E CHAIN NEW-NAME
       ${program} -P CHAIN ACCEPT|DROP

Options and rules are those of iptables(8) and iptables-extensions(8). Counters of rules that a command
does not touch go on counting. -w SECONDS limits the wait for another program that changes rules.

Examples:
  ${program} -I INPUT 1 -p tcp --dport 22 -j ACCEPT
  ${program} -L INPUT -v -n --line-numbers
`

/** Runs the command with what follows its name. */
export async function iptables(family: Family, words: readonly string[]): Promise<ExitCode> {
  try {
    const command = parseCommand(words, family)
    if (command.kind === 'version') return print(`${iptablesName(family)} ${versionText}\n`)
    if (command.kind === 'help') return print(usage(iptablesName(family)))
    requireOwnTable(command.table)
    return onlyReads(command) ? await read(command) : await edit(command)
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    process.stderr.write(printRefusal(error, iptablesName(family), messageVersion))
    return refusalStatus(error)
  }
}

function print(text: string): ExitCode {
  process.stdout.write(text)
  return exitCode.done
}

const onlyReads = (command: Command): boolean =>
  command.kind === 'check' ||
  ((command.kind === 'list' || command.kind === 'list-rules') && command.zero === undefined)

async function read(command: Command): Promise<ExitCode> {
  const printed = printRuleEdit(command)
  if (printed !== undefined && command.kind === 'check' && hasRule(readSettings(), command))
    return print(printed)
  const { liveRuleset, readLiveHits } = await import('../service/edit.ts')
  const live = readLiveHits(readSettings())
  return print(runCommand(liveRuleset(live, command.family), command).output)
}

async function edit(command: Command): Promise<ExitCode> {
  const wait: LockWait = command.wait ?? Number.POSITIVE_INFINITY
  const settings = readSettings()
  try {
    const printed = printRuleEdit(command)
    if (printed !== undefined && (await withLock(settings, wait, () => editQuickly(settings, command))))
      return print(printed)
    return await remake(settings, command, wait)
  } catch (error) {
    return reportLocked(error, wait)
  }
}

/** Makes a new generation of what a command leaves of the rules. */
async function remake(settings: Settings, command: Command, wait: LockWait): Promise<ExitCode> {
  const [{ applyChanges }, { editChanges }, { printRefusals }] = await Promise.all([
    import('../service/apply.ts'),
    import('../service/edit.ts'),
    import('./refusal.ts'),
  ])
  let output = ''
  const applied = await applyChanges(
    settings,
    live =>
      editChanges(live, command.family, before => {
        const result = runCommand(before, command)
        output = result.output
        return result.ruleset
      }),
    { wait },
  )
  if (applied.kind !== 'refused') return print(output)
  printRefusals(applied.refusals)
  return exitCode.failed
}
