// A command of iptables on tables of ours. What takes time to load is loaded only where it is needed: most commands come to updates of maps.

import { type Command, printRuleEdit, type Ruleset, runCommand } from 'iptables-parser'
import { hasRule } from '../service/incremental/check.ts'
import { editQuickly, writtenInForce } from '../service/incremental/quick.ts'
import { type LockWait, withLock } from '../service/lock.ts'
import type { Beside } from '../service/passthrough/beside.ts'
import type { Settings } from '../service/settings.ts'
import { type ExitCode, exitCode } from './error.ts'
import { print } from './print.ts'

/** Where an edit may leave a table that is not ours any more. */
export interface Leaving {
  /** What stays ours of the rules after an edit. */
  readonly keep: (before: Ruleset, after: Ruleset) => Ruleset
  readonly beside: () => Beside | undefined
}

/** Runs a command on the rules in force. Throws RuleError in iptables' words. */
export const runOwn = (
  settings: Settings,
  command: Command,
  wait: LockWait,
  leaving?: Leaving,
): Promise<ExitCode> =>
  onlyReads(command) ? read(settings, command) : edit(settings, command, wait, leaving)

/** Whether a command leaves the rules as they are. */
export const onlyReads = (command: Command): boolean =>
  command.kind === 'check' ||
  ((command.kind === 'list' || command.kind === 'list-rules') && command.zero === undefined)

async function read(settings: Settings, command: Command): Promise<ExitCode> {
  const printed = printRuleEdit(command)
  if (printed !== undefined && command.kind === 'check' && hasRule(settings, command)) return print(printed)
  const { liveRuleset, readLiveHits } = await import('../service/edit.ts')
  return print(runCommand(liveRuleset(readLiveHits(settings), command.family), command).output)
}

async function edit(
  settings: Settings,
  command: Command,
  wait: LockWait,
  leaving: Leaving | undefined,
): Promise<ExitCode> {
  const printed = printRuleEdit(command)
  if (printed !== undefined && (await withLock(settings, wait, () => editInPlace(settings, command))))
    return print(printed)
  return remake(settings, command, wait, leaving)
}

/** Makes an edit without reading the rules in force; false where that cannot be. */
async function editInPlace(settings: Settings, command: Command): Promise<boolean> {
  const written = writtenInForce(settings)
  if (editQuickly(settings, [command], {}, written)) return true
  const { editAround } = await import('../service/incremental/rebuild.ts')
  return editAround(settings, [command], {}, written)
}

/** Makes a new generation of what a command leaves of the rules. */
async function remake(
  settings: Settings,
  command: Command,
  wait: LockWait,
  leaving: Leaving | undefined,
): Promise<ExitCode> {
  const [{ applyChanges }, { editChanges }, { printRefusals }] = await Promise.all([
    import('../service/apply.ts'),
    import('../service/edit.ts'),
    import('./refusal.ts'),
  ])
  let output = ''
  const decide = (before: Ruleset): Ruleset => {
    const result = runCommand(before, command)
    output = result.output
    return leaving ? leaving.keep(before, result.ruleset) : result.ruleset
  }
  const applied = await applyChanges(settings, live => editChanges(live, command.family, decide), {
    wait,
    ...(leaving && { beside: leaving.beside }),
  })
  if (applied.kind !== 'refused') return print(output)
  printRefusals(applied.refusals)
  return exitCode.failed
}
