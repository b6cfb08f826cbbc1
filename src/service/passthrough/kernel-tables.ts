// What the kernel's own iptables holds, read through its save command. That makes no table that is not there, as a look at one table by name would.

import type { Family } from 'iptables-parser'
import { ServiceError } from '../error.ts'
import { holdsSomething, sectionsOf } from '../section.ts'
import { type KernelIptables, runKernelIptables } from './program.ts'

/** Its tables by name, as `iptables-save -c` prints them, from `*` to COMMIT. */
export function readKernelTables(
  program: KernelIptables,
  family: Family,
  words: readonly string[] = ['-c'],
): ReadonlyMap<string, string> {
  const { status, stdout, stderr } = runKernelIptables(program, family, '-save', words)
  if (status !== 0)
    throw new ServiceError('ERR_PASSTHROUGH', `${program.path} cannot say what it holds: ${stderr.trim()}`)
  return new Map(sectionsOf(stdout).map(({ table, start, end }) => [table, stdout.slice(start, end)]))
}

/** Whether one of these tables holds something. */
export const isHeld = (tables: ReadonlyMap<string, string>, table: string): boolean =>
  holdsSomething(tables.get(table) ?? '')
