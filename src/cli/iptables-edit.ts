// iptables and ip6tables: one command on the rules in force.

import {
  type Command,
  type Family,
  iptablesName,
  parseCommand,
  printRefusal,
  RuleError,
  refusalStatus,
} from 'iptables-parser'
import type { LockWait } from '../service/lock.ts'
import { readSettings } from '../service/settings.ts'
import type { ExitCode } from './error.ts'
import { messageVersion, reportLocked, tableNamed, versionText } from './iptables.ts'
import { runOwn } from './iptables-own.ts'
import { print } from './print.ts'

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

-t nat, -t security, and -t raw and -t mangle where they hold what no program can do, run the kernel's own
iptables with the same arguments (BPFTABLES_PASSTHROUGH).

Examples:
  ${program} -I INPUT 1 -p tcp --dport 22 -j ACCEPT
  ${program} -L INPUT -v -n --line-numbers
  ${program} -t nat -A POSTROUTING -o eth0 -j MASQUERADE
`

/** Runs the command with what follows its name. */
export async function iptables(family: Family, words: readonly string[]): Promise<ExitCode> {
  try {
    return await run(family, words)
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    process.stderr.write(printRefusal(error, iptablesName(family), messageVersion))
    return refusalStatus(error)
  }
}

async function run(family: Family, words: readonly string[]): Promise<ExitCode> {
  const command = parseOr(words, family)
  if (command instanceof RuleError) {
    const table = tableNamed(words)
    if (table === 'filter') throw command
    const { runUnread } = await import('./iptables-table.ts')
    return runUnread(readSettings(), { family, table, words }, command)
  }
  if (command.kind === 'version') return print(`${iptablesName(family)} ${versionText}\n`)
  if (command.kind === 'help') return print(usage(iptablesName(family)))
  const wait: LockWait = command.wait ?? Number.POSITIVE_INFINITY
  try {
    if (command.table === 'filter') return await runOwn(readSettings(), command, wait)
    const { runInTable } = await import('./iptables-table.ts')
    return await runInTable(readSettings(), command, words, wait)
  } catch (error) {
    return reportLocked(error, wait)
  }
}

function parseOr(words: readonly string[], family: Family): Command | RuleError {
  try {
    return parseCommand(words, family)
  } catch (error) {
    if (error instanceof RuleError) return error
    throw error
  }
}
