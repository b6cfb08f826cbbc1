// Which side takes what a rule file or a command says of each table.

import {
  type Family,
  isTableName,
  printRuleset,
  type RestoreOptions,
  RuleError,
  type Ruleset,
  restoreSave,
  type Table,
  type TableName,
  tableOf,
} from 'iptables-parser'
import { hooksOfTable } from '../../../translator/hook/place.ts'
import { leftTable, type Shares } from '../../../translator/table.ts'
import type { RuleFile } from '../rule-file.ts'
import { onlyTables, withoutTables } from '../section.ts'
import { type Batch, emptyTable, tablesIn } from './handover.ts'
import type { Handed } from './kept.ts'

/** What a change comes to on both sides. */
export interface Shared {
  /** Ours from now on. */
  readonly ruleset: Ruleset
  readonly batches: readonly Batch[]
  /** Tables that the other side has from now on, and those it had until now. */
  readonly handed: readonly Handed[]
}

/** Whether a program can be made of a table, if its rules allow it. */
export const mayBeOurs = (table: string): table is TableName =>
  isTableName(table) && hooksOfTable(table).length > 0

/** Whether the kernel's own iptables holds something in a table. */
export type Held = (table: string) => boolean

interface Decision {
  readonly kind: 'ours' | 'theirs' | 'moved'
  readonly reason: string
  /** What it becomes, where that could be read. */
  readonly table?: Table
}

/** Restores a file over what is in force: each table goes to one side, and leaves the other. */
export function shareRestore(
  before: Ruleset,
  file: RuleFile,
  how: RestoreOptions,
  words: readonly string[],
  held: Held,
): Shared {
  const { family } = before
  const named = [...new Set(tablesIn(file.text))].filter(
    table => how.table === undefined || how.table === table,
  )
  const decisions = new Map(named.map(table => [table, decide(before, table, file, how, held)]))
  const isTheirs = (table: string): boolean => decisions.get(table)?.kind === 'theirs'
  const leaves = (table: string): boolean => (decisions.get(table)?.kind ?? 'ours') !== 'ours'
  const staying = before.tables.filter(({ name }) => !leaves(name))
  const base = staying.length === before.tables.length ? before : { ...before, tables: staying }
  const text = named.some(leaves) ? withoutTables(file.text, leaves) : file.text
  const restored = restoreSave(base, text, { ...how, name: file.name })
  return {
    ruleset: sameTables(restored, base) ? base : restored,
    batches: [
      ...(named.some(isTheirs) ? [{ family, words, text: onlyTables(file.text, isTheirs) }] : []),
      ...[...decisions.values()].flatMap(({ kind, table }) =>
        kind === 'moved' && table ? [moved(family, table)] : [],
      ),
      ...named.flatMap(table => (isTaken(decisions.get(table), table, held) ? [emptied(family, table)] : [])),
    ],
    handed: [...decisions].flatMap(([table, { kind, reason }]) =>
      kind === 'ours' && (table === 'filter' || !held(table)) ? [] : [{ family, table, reason }],
    ),
  }
}

const sameTables = (one: Ruleset, other: Ruleset): boolean =>
  one.tables.length === other.tables.length &&
  one.tables.every((table, index) => table === other.tables[index])

/** What becomes ours must not be judged there too. */
const isTaken = (decision: Decision | undefined, table: string, held: Held): boolean =>
  decision?.kind === 'ours' && table !== 'filter' && mayBeOurs(table) && held(table)

/** A table that was ours, with the counters it had. */
export const moved = (family: Family, table: Table): Batch => ({
  family,
  words: ['-c'],
  text: printRuleset({ family, tables: [table] }, { counters: true }),
})

export const emptied = (family: Family, table: string): Batch => ({
  family,
  words: [],
  text: emptyTable(table),
})

function decide(
  before: Ruleset,
  name: string,
  { name: file, text }: RuleFile,
  how: RestoreOptions,
  held: Held,
): Decision {
  const { family } = before
  if (name === 'filter' || !isTableName(name)) return { kind: 'ours', reason: '' }
  if (!mayBeOurs(name))
    return { kind: 'theirs', reason: leftTable({ name, chains: [] }, family)?.reason ?? '' }
  const ours = tableOf(before, name)
  if (how.noflush && !ours && held(name)) return { kind: 'theirs', reason: 'it holds rules there already' }
  const alone = onlyTables(text, table => table === name)
  try {
    const restored = restoreSave({ family, tables: ours ? [ours] : [] }, alone, { ...how, name: file })
    const table = tableOf(restored, name)
    const left = table && leftTable(table, family)
    if (!left) return { kind: 'ours', reason: '' }
    return { kind: ours && how.noflush ? 'moved' : 'theirs', reason: left.reason, table }
  } catch (error) {
    if (!(error instanceof RuleError) || (ours && how.noflush)) throw error
    return { kind: 'theirs', reason: error.message }
  }
}

/** A rule file taken apart. */
export interface SharedFile extends Shares {
  readonly file: RuleFile
}

/** Puts a whole file in force over what is: tables it does not mention stay where they are. */
export function shareFile(
  before: Ruleset,
  { own, left, file }: SharedFile,
  words: readonly string[],
  held: Held,
): Shared {
  const { family } = own
  const names = left.map(({ table }) => table.name)
  const mentioned = new Set([...own.tables.map(({ name }) => name), ...names])
  const staying = before.tables.filter(({ name }) => !mentioned.has(name))
  const taken = own.tables.filter(({ name }) => name !== 'filter' && held(name)).map(({ name }) => name)
  const text = (): string => onlyTables(file.text, table => names.some(name => name === table))
  return {
    ruleset: together(before, own, staying),
    batches: [
      ...(left.length > 0 ? [{ family, words, text: text() }] : []),
      ...taken.map(table => emptied(family, table)),
    ],
    handed: [
      ...left.map(({ table, reason }) => ({ family, table: table.name, reason })),
      ...taken.map(table => ({ family, table, reason: '' })),
    ],
  }
}

function together(before: Ruleset, own: Ruleset, staying: readonly Table[]): Ruleset {
  if (staying.length === 0) return own
  if (own.tables.length === 0 && staying.length === before.tables.length) return before
  return { ...own, tables: [...own.tables, ...staying] }
}
