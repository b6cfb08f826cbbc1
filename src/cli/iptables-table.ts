// iptables -t for other tables than filter: run here where the table is ours, else by the kernel's own iptables with the same words, whose
// output and exit code are ours then.

import {
  type Command,
  type Family,
  type RuleError,
  type Ruleset,
  type TableName,
  tableOf,
} from 'iptables-parser'
import { leftTable } from '../../translator/table.ts'
import { liveRuleset, readLiveHits } from '../service/edit.ts'
import { type LockWait, withLock } from '../service/lock.ts'
import { beside, heldBeside } from '../service/passthrough/beside.ts'
import type { Batch } from '../service/passthrough/handover.ts'
import { keep } from '../service/passthrough/kept.ts'
import {
  type KernelIptables,
  requireKernelIptables,
  runKernelIptables,
} from '../service/passthrough/program.ts'
import { moved } from '../service/passthrough/share.ts'
import type { Settings } from '../service/settings.ts'
import type { ExitCode } from './error.ts'
import { onlyReads, runOwn } from './iptables-own.ts'

/** A command line and the table it is for. */
interface Line {
  readonly family: Family
  readonly table: TableName
  readonly words: readonly string[]
}

/** Runs a command on whichever side has its table. */
export async function runInTable(
  settings: Settings,
  command: Command,
  words: readonly string[],
  wait: LockWait,
): Promise<ExitCode> {
  const { family, table } = command
  const line = { family, table, words }
  const reason = whyTheirs(settings, line)
  if (reason === undefined) return editOwn(settings, command, line, wait)
  return pass(settings, line, { reason, wait, changes: !onlyReads(command) })
}

/** Runs what is not understood here where it may be. Throws the error where the table is ours. */
export async function runUnread(settings: Settings, line: Line, error: RuleError): Promise<ExitCode> {
  const reason = whyTheirs(settings, line)
  if (reason === undefined) throw error
  return pass(settings, line, { reason, wait: Number.POSITIVE_INFINITY, changes: true })
}

/** Why a table is the other side's to begin with; undefined where it is ours, or may become it. */
function whyTheirs(settings: Settings, { family, table }: Line): string | undefined {
  const always = leftTable({ name: table, chains: [] }, family)
  if (always) return always.reason
  if (tableOf(liveRuleset(readLiveHits(settings), family), table)) return undefined
  return heldBeside(settings, family)(table) ? 'it holds rules there already' : undefined
}

interface Passing {
  /** Why the table is not ours. */
  readonly reason: string
  readonly wait: LockWait
  readonly changes: boolean
}

/** Runs the kernel's own iptables. Throws ServiceError('ERR_NO_PASSTHROUGH' | 'ERR_LOCKED'). */
async function pass(settings: Settings, line: Line, { reason, wait, changes }: Passing): Promise<ExitCode> {
  const { family, table } = line
  const program = requireKernelIptables(settings, [table])
  if (!changes) return run(program, line)
  return withLock(settings, wait, () => {
    const status = run(program, line)
    if (status === 0) keep(settings, program, [{ family, table, reason }])
    return status
  })
}

/** Its exit codes are those of iptables, as ours are. */
const run = (program: KernelIptables, { family, words }: Line): ExitCode =>
  runKernelIptables(program, family, '', words, { attached: true }).status as ExitCode

/** What an edit comes to where no program can be made of the table any more. */
interface Leave {
  readonly reason: string
  /** The table was ours, and moves as it is now; else the command is run there. */
  readonly batch?: Batch
}

async function editOwn(settings: Settings, command: Command, line: Line, wait: LockWait): Promise<ExitCode> {
  const { family, table } = line
  let leave: Leave | undefined
  const code = await runOwn(settings, command, wait, {
    keep: (before, after) => {
      leave = leaveOf(before, after, table)
      if (!leave) return after
      return leave.batch ? { ...before, tables: before.tables.filter(({ name }) => name !== table) } : before
    },
    beside: () => leave?.batch && beside(settings, [leave.batch], [{ family, table, reason: leave.reason }]),
  })
  return leave && !leave.batch ? pass(settings, line, { reason: leave.reason, wait, changes: true }) : code
}

function leaveOf(before: Ruleset, after: Ruleset, name: TableName): Leave | undefined {
  const table = tableOf(after, name)
  const left = table && leftTable(table, after.family)
  if (!left) return undefined
  const { reason } = left
  return tableOf(before, name) ? { reason, batch: moved(after.family, left.table) } : { reason }
}
