// A command as the program iptables runs it: what becomes of the rules, and what it prints.

import type { Command, ListCommand } from './command.ts'
import { applyCommand } from './edit.ts'
import { listEdited, listTable } from './list.ts'
import { printCommands } from './list-rules.ts'
import type { Rule } from './rule.ts'
import { isBaseChain, type Ruleset, type Table, tableOf } from './ruleset.ts'

export interface CommandResult {
  readonly ruleset: Ruleset
  /** For standard output. */
  readonly output: string
}

/** Applies a command and prints what iptables prints. Throws RuleError as applyCommand does. */
export function runCommand(before: Ruleset, command: Command): CommandResult {
  const ruleset = applyCommand(before, command)
  // a table that was not there has been made, with its base chains
  const shown = tableOf(before, command.table) ?? tableOf(ruleset, command.table)
  return { ruleset, output: shown ? print(command, shown) : '' }
}

function print(command: Command, table: Table): string {
  if (command.kind === 'list' || command.kind === 'list-rules') return printList(command, command, table)
  return command.verbose > 0 ? printEdit(command, table) : ''
}

function printList(list: ListCommand, command: Command, table: Table): string {
  const verbose = command.verbose > 0
  const text =
    list.kind === 'list'
      ? listTable(table, { ...list, family: command.family, verbose }, list)
      : printCommands(table, command.family, verbose, list)
  return list.zero === 'chain' && verbose ? text + name('Zeroing', list.chain, table) : text
}

/** What iptables prints for a command that takes, gives or replaces rules, which needs no table; undefined for other commands. */
export function printRuleEdit(command: Command): string | undefined {
  if (command.kind === 'delete-number') return ''
  const rules = 'rules' in command ? command.rules : 'rule' in command ? [command.rule] : undefined
  return rules && (command.verbose > 0 ? printRules(rules, command) : '')
}

function printEdit(command: Command, table: Table): string {
  switch (command.kind) {
    case 'append':
    case 'insert':
    case 'check':
    case 'delete':
      return printRules(command.rules, command)
    case 'replace':
      return printRules([command.rule], command)
    case 'flush':
      return name('Flushing', command.chain, table)
    case 'zero':
      return name('Zeroing', command.chain, table)
    case 'delete-chain':
      return name('Deleting', command.chain, table, true)
    default:
      return ''
  }
}

const printRules = (rules: readonly Rule[], { family }: Command): string =>
  rules.map(rule => listEdited(rule, family)).join('')

function name(what: string, chain: string | undefined, table: Table, onlyUser = false): string {
  const names = table.chains.map(one => one.name).filter(one => !onlyUser || !isBaseChain(table.name, one))
  return (chain === undefined ? names : [chain]).map(one => `${what} chain \`${one}'\n`).join('')
}
