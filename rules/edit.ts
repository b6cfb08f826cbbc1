// Edits of a rule set: what an iptables command does to it, as a function from one rule set to the next.

import { checkTable } from './check.ts'
import type { Command } from './command.ts'
import { TableEditor } from './edit-table.ts'
import type { Ruleset, Table } from './ruleset.ts'

/**
 * The rule set after a command; the one given stays as it is and shares what did not change. Throws RuleError where iptables would
 * refuse; `refusal` then holds its words and exit status.
 */
export function applyCommand(ruleset: Ruleset, command: Command): Ruleset {
  if (command.kind === 'version' || command.kind === 'help') return ruleset
  const old = ruleset.tables.find(table => table.name === command.table)
  const editor = old ? new TableEditor(old) : TableEditor.create(command.table)
  editor.apply(command, command.span)
  const table = editor.build()
  if (adds(command)) checkTable(table)
  return table === old ? ruleset : withTable(ruleset, table)
}

/** Only a rule more can close a circle, or stand where it must not. */
const adds = ({ kind }: Command): boolean => kind === 'append' || kind === 'insert' || kind === 'replace'

/** The rule set with a table put in the place of the one of its name, or at the end. */
export function withTable(ruleset: Ruleset, table: Table): Ruleset {
  const known = ruleset.tables.some(other => other.name === table.name)
  const tables = known
    ? ruleset.tables.map(other => (other.name === table.name ? table : other))
    : [...ruleset.tables, table]
  return { ...ruleset, tables }
}
