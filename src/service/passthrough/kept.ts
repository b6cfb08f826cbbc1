// The tables that were handed to the kernel's own iptables, as they were after the last change through us: `passthrough.json` in the state
// directory. They are put in force again after a reboot, and it says why each is not ours.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from 'iptables-parser'
import { removeIfThere, writeDurably } from '../durable-file.ts'
import { isMissing, ServiceError, systemReason } from '../error.ts'
import { holdsSomething } from '../section.ts'
import type { Settings } from '../settings.ts'
import { readKernelTables } from './kernel-tables.ts'
import type { KernelIptables } from './program.ts'

const FORMAT = 1

export interface KeptTable {
  readonly family: Family
  readonly table: string
  /** Why no program is made of it. */
  readonly reason: string
  /** From `*` to COMMIT. */
  readonly text: string
}

const fileOf = ({ stateDirectory }: Settings): string => join(stateDirectory, 'passthrough.json')

/** Throws ServiceError('ERR_STATE' | 'ERR_FILE'). */
export function readKept(settings: Settings): readonly KeptTable[] {
  const path = fileOf(settings)
  try {
    const { format, tables } = JSON.parse(readFileSync(path, 'utf8')) as Written
    if (format === FORMAT) return tables
    throw new ServiceError('ERR_STATE', `${path} has format ${format}; this program knows ${FORMAT}`)
  } catch (error) {
    if (isMissing(error)) return []
    if (error instanceof ServiceError) throw error
    if (error instanceof SyntaxError)
      throw new ServiceError('ERR_STATE', `${path} is damaged`, undefined, error)
    throw new ServiceError('ERR_FILE', `cannot read ${path}: ${systemReason(error)}`, undefined, error)
  }
}

interface Written {
  readonly format: number
  readonly tables: readonly KeptTable[]
}

/** Forgets them all. */
export const forgetKept = (settings: Settings): void => removeIfThere(fileOf(settings))

/** Tables that were changed just now, and why they are not ours. */
export interface Handed {
  readonly family: Family
  readonly table: string
  readonly reason: string
}

/** Keeps what the kernel's own iptables has of tables now; those that hold nothing are forgotten. The caller holds the lock. */
export function keep(settings: Settings, program: KernelIptables, handed: readonly Handed[]): void {
  if (handed.length === 0) return
  const isHanded = ({ family, table }: KeptTable): boolean =>
    handed.some(other => other.family === family && other.table === table)
  const tables = new Map(
    [...new Set(handed.map(({ family }) => family))].map(family => [
      family,
      readKernelTables(program, family, []),
    ]),
  )
  const now = handed.flatMap(({ family, table, reason }): KeptTable[] => {
    const text = tables.get(family)?.get(table)
    return text !== undefined && holdsSomething(text) ? [{ family, table, reason, text }] : []
  })
  const kept = [...readKept(settings).filter(one => !isHanded(one)), ...now]
  writeDurably(fileOf(settings), `${JSON.stringify({ format: FORMAT, tables: kept }, null, 1)}\n`)
}
