// Rules as people have them: what iptables-save printed, iptables commands one a line, or both mixed.

import { checkTable } from './check.ts'
import { readCommand } from './command.ts'
import { withTable } from './edit.ts'
import { TableEditor } from './edit-table.ts'
import { RuleError } from './error.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import { type Ruleset, tableOf } from './ruleset.ts'
import { type ParseOptions, parseSave, restoreSave } from './save.ts'
import { shellWords } from './shell.ts'
import type { Source, Span } from './span.ts'

/** A line that calls iptables, by whatever path and variant: `sudo /usr/sbin/iptables-legacy -A INPUT …`. */
const CALL = /^[ \t]*(?:sudo[ \t]+)?(?:[\w./-]*\/)?(ip6?tables)(?:-legacy|-nft)?(?=[ \t])/

/** The families that a text has commands for; none where it only holds what iptables-save prints. */
export function commandFamilies(text: string): ReadonlySet<Family> {
  const calls = text.matchAll(new RegExp(CALL, 'gm'))
  return new Set([...calls].map(([, program]) => (program === 'ip6tables' ? 6 : 4)))
}

/**
 * Reads the rules of one family from tables as iptables-save prints them, from iptables commands, or from both, in the order they
 * stand in; what commands list or ask goes unanswered, and those of the other family are left out. Throws RuleError with the place of the first thing wrong.
 */
export function parseRules(text: string, options: ParseOptions): Ruleset {
  if (commandFamilies(text).size === 0) return parseSave(text, options)
  const reader = new ScriptReader({ name: options.name ?? '-', text }, options)
  for (let at = 0; at < text.length; ) at = reader.read(at)
  return reader.finish()
}

class ScriptReader {
  readonly #source: Source
  readonly #options: ParseOptions
  #ruleset: Ruleset
  /** Tables that commands are editing. */
  readonly #open = new Map<TableName, TableEditor>()

  constructor(source: Source, options: ParseOptions) {
    this.#source = source
    this.#options = options
    this.#ruleset = { family: options.family, tables: [] }
  }

  /** Reads what begins at `start`, and returns where the next begins. */
  read(start: number): number {
    const { text } = this.#source
    const end = lineEnd(text, start)
    const line = text.slice(start, end)
    if (line.startsWith('*')) return this.#readTable(start)
    const call = CALL.exec(line)
    if (call) return this.#readCommand(start, call[0].length, call[1] === 'ip6tables' ? 6 : 4)
    if (!/^\s*(?:#|$)/.test(line)) throw notRules({ source: this.#source, start, end })
    return end + 1
  }

  finish(): Ruleset {
    for (const [name, editor] of this.#open) {
      const table = editor.build()
      checkTable(table)
      this.#ruleset = withTable(this.#ruleset, table)
      this.#open.delete(name)
    }
    return this.#ruleset
  }

  /** All else is blanked out, so that places stay what they are. */
  #readTable(start: number): number {
    const { name, text } = this.#source
    const commit = /^COMMIT[ \t]*\r?$/m.exec(text.slice(start))
    const end = commit ? start + commit.index + commit[0].length : text.length
    const blank = (from: number, to?: number): string => text.slice(from, to).replace(/[^\n]/g, ' ')
    const alone = blank(0, start) + text.slice(start, end) + blank(end)
    this.finish()
    this.#ruleset = restoreSave(this.#ruleset, alone, {
      unknownExtensions: 'keep',
      ...this.#options,
      name,
    })
    return end + 1
  }

  #readCommand(start: number, program: number, family: Family): number {
    const end = commandEnd(this.#source.text, start)
    if (family !== this.#options.family) return end + 1
    const span = { source: this.#source, start, end }
    const command = readCommand(shellWords(this.#source, start + program, end), family, span)
    if (command.kind !== 'version' && command.kind !== 'help')
      this.#editor(command.table).apply(command, span)
    return end + 1
  }

  #editor(name: TableName): TableEditor {
    const open = this.#open.get(name)
    if (open) return open
    const known = tableOf(this.#ruleset, name)
    const editor = known ? new TableEditor(known) : TableEditor.create(name)
    this.#open.set(name, editor)
    return editor
  }
}

const lineEnd = (text: string, start: number): number => {
  const newline = text.indexOf('\n', start)
  return newline < 0 ? text.length : newline
}

/** The end of a line that may go on in the next. */
function commandEnd(text: string, start: number): number {
  let end = lineEnd(text, start)
  while (end < text.length && /\\\r?$/.test(text.slice(start, end))) end = lineEnd(text, end + 1)
  return end
}

const notRules = (span: Span): RuleError =>
  new RuleError('ERR_SYNTAX', 'this is neither an iptables command nor part of a table', {
    span,
    hint: 'a command begins with iptables or ip6tables, a table with a line such as *filter; give of a shell script what iptables-save prints after it ran',
  })
