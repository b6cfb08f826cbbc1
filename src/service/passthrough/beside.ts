// The kernel's own iptables as one change of rules sees it: looked for when first needed, told what it has to take, and noted down when
// it has taken it.

import { type Family, iptablesName } from 'iptables-parser'
import { holdsSomething, sectionsOf } from '../section.ts'
import type { Settings } from '../settings.ts'
import { type Batch, type Handover, handover } from './handover.ts'
import { type Handed, keep } from './kept.ts'
import { isHeld, readKernelTables } from './kernel-tables.ts'
import { findKernelIptables, requireKernelIptables } from './program.ts'
import type { Held } from './share.ts'

/** What goes on beside a change of our own rules; nothing is looked for before it is asked. */
export interface Beside extends Handover {
  /** Names of the tables that are to hold something there. */
  readonly tables: readonly string[]
  /** Notes down what was put in force. */
  readonly keep: () => void
}

/** What the kernel's own iptables holds; nothing where there is none. */
export function heldBeside(settings: Settings, family: Family): Held {
  let tables: ReadonlyMap<string, string> | undefined
  return table => {
    tables ??= readIfThere(settings, family)
    return isHeld(tables, table)
  }
}

function readIfThere(settings: Settings, family: Family): ReadonlyMap<string, string> {
  const program = findKernelIptables(settings)
  return program ? readKernelTables(program, family) : new Map()
}

/** Undefined where nothing is to be done there. Throws ServiceError('ERR_NO_PASSTHROUGH') where something is and nobody can. */
export function beside(
  settings: Settings,
  batches: readonly Batch[],
  handed: readonly Handed[],
): Beside | undefined {
  if (batches.length === 0) return undefined
  const needed = batches.flatMap(tablesNeeded)
  const named = needed.map(({ table, family }) => `${table} of ${iptablesName(family)}`)
  // a table that is empty there is as good as one that is not there
  const program = needed.length > 0 ? requireKernelIptables(settings, named) : findKernelIptables(settings)
  if (!program) return undefined
  return {
    ...handover(program, batches),
    tables: needed.map(({ table }) => table),
    keep: () => keep(settings, program, handed),
  }
}

const tablesNeeded = ({ family, text }: Batch): { readonly table: string; readonly family: Family }[] =>
  sectionsOf(text).flatMap(({ table, start, end }) =>
    holdsSomething(text.slice(start, end)) ? [{ table, family }] : [],
  )
