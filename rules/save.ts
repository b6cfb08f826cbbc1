// Rule files: what iptables-save writes and iptables-restore reads. Its lines are edits of tables, made one after the other.

import { checkTable } from './check.ts'
import { type Command, type Edit, type InformationCommand, parseLine } from './command.ts'
import { type Counters, parseCounters } from './counters.ts'
import { withTable } from './edit.ts'
import { TableEditor } from './edit-table.ts'
import { RuleError } from './error.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import { PlainLineReader, type PlainRule } from './plain-line.ts'
import type { Rule } from './rule.ts'
import { isBaseChain, isTableName, type Ruleset, tableNames } from './ruleset.ts'
import type { Source, Span } from './span.ts'
import { type Token, tokenise } from './token.ts'
import type { UnknownPolicy } from './unknown.ts'
import { checkChainName } from './value/chain.ts'

export interface RestoreOptions {
  /** Names the text in errors; `-` unless given. */
  readonly name?: string
  /**
   * Take the file's counters, as -c does, which wants some for every policy it sets; false: what the file sets begins at zero. Unless
   * given, those that are there are taken.
   */
  readonly counters?: boolean
  /** Keep what a table held and the file does not mention, as -n does. */
  readonly noflush?: boolean
  /** Read only this table of the file, as -T does. */
  readonly table?: TableName
  /** Keep lines that begin with `#`, with what they stand before. */
  readonly remarks?: boolean
  /**
   * Keep matches and targets that are not known here as they stand, so that a file from a newer iptables can be read and written
   * without loss. `parseSave` keeps them unless told otherwise; `restoreSave` refuses them, as iptables-restore does.
   */
  readonly unknownExtensions?: UnknownPolicy
}

export interface ParseOptions extends RestoreOptions {
  readonly family: Family
}

/** Reads a rule file. Throws RuleError with the place of the first thing wrong. */
export function parseSave(text: string, { family, ...options }: ParseOptions): Ruleset {
  return restore({ family, tables: [] }, text, { unknownExtensions: 'keep', ...options }, true)
}

/**
 * What a rule set becomes when a rule file is restored into it: tables the file does not mention stay as they are, those it does are
 * replaced but for their policies, or with `noflush` merged into. Throws RuleError; all or nothing.
 */
export const restoreSave = (ruleset: Ruleset, text: string, options: RestoreOptions = {}): Ruleset =>
  restore(ruleset, text, options, false)

/** So many edits are few beside a rule set. */
const FEW = 64

/**
 * The edits of a rule file to be merged (`noflush`) that holds nothing but a few lines for single rules of one table, without counters; undefined
 * for any other, and for one with an error.
 */
export function readFewEdits(text: string, family: Family): readonly Command[] | undefined {
  const lines = text.split('\n', FEW + 1).filter(line => line !== '')
  const name = lines[0]?.slice(1).trim() ?? ''
  if (lines.length > FEW || lines[0]?.[0] !== '*' || !isTableName(name) || lines.at(-1) !== 'COMMIT')
    return undefined
  try {
    const commands = lines.slice(1, -1).map(line => readEdit(line, family, name))
    return commands.every(command => command !== undefined) ? commands : undefined
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

function readEdit(line: string, family: Family, table: TableName): Command | undefined {
  if (!/^-[AIDR] /.test(line)) return undefined
  const source = { name: '-', text: line }
  const span = { source, start: 0, end: line.length }
  const edit = parseLine(tokenise(source, 0, line.length), { family, table, span })
  return edit && { ...edit, family, table, verbose: 0, span }
}

function restore(ruleset: Ruleset, text: string, options: RestoreOptions, whole: boolean): Ruleset {
  const source: Source = { name: options.name ?? '-', text }
  refuseBinary(source)
  const reader = new SaveReader(source, ruleset, options)
  forEachLine(text, (start, end) => reader.readLine(start, end))
  return reader.finish(whole)
}

function forEachLine(text: string, read: (start: number, end: number) => void): void {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    read(start, text[end - 1] === '\r' && end > start ? end - 1 : end)
    start = end + 1
  }
}

/** NUL or U+FFFD (what bytes that are no UTF-8 decode to) is in no rule file. */
function refuseBinary(source: Source): void {
  const at = source.text.search(/[\0\ufffd]/)
  if (at >= 0)
    throw new RuleError('ERR_INPUT', 'this is not text', {
      span: { source, start: at, end: at + 1 },
      hint: 'rules are text as iptables-save writes it, in UTF-8',
    })
}

class SaveReader {
  readonly #source: Source
  readonly #options: RestoreOptions
  #ruleset: Ruleset
  #table: TableEditor | undefined
  /** Of the table. */
  #plain: PlainLineReader | undefined
  /** Where the table opened last begins. */
  #opened: Span | undefined
  #tables = 0
  /** In a table that -T leaves out. */
  #skipping = false
  #remarks: string[] = []

  constructor(source: Source, ruleset: Ruleset, options: RestoreOptions) {
    this.#source = source
    this.#ruleset = ruleset
    this.#options = options
  }

  readLine(start: number, end: number): void {
    const { text } = this.#source
    const first = text.charCodeAt(start)
    if (start === end) return
    if (first === HASH) {
      if (this.#options.remarks) this.#remarks.push(text.slice(start, end))
      return
    }
    const span = { source: this.#source, start, end }
    if (first === STAR && !this.#table) this.#openTable(span)
    else if (this.#skipping || (first <= BLANK && isBlank(text, start, end))) return
    else if (!this.#table) throw outside(span)
    else if (first === COLON) this.#readChain(this.#table, span)
    else if (first === STAR)
      throw new RuleError('ERR_SYNTAX', `the table ${this.#table.name} has no COMMIT before this`, { span })
    else if (first === C && text.slice(start, end).trim() === 'COMMIT') this.#commit(this.#table)
    else this.#readRule(this.#table, span)
  }

  finish(whole: boolean): Ruleset {
    const end = this.#source.text.length
    if (this.#table)
      throw new RuleError('ERR_INPUT', `the table ${this.#table.name} has no COMMIT`, {
        ...(this.#opened && { span: this.#opened }),
        hint: 'end the table with a line COMMIT; without one iptables-restore would load nothing of it',
      })
    if (whole && this.#tables === 0)
      throw new RuleError('ERR_INPUT', 'there are no rules in this', {
        span: { source: this.#source, start: end, end },
        hint: 'a rule file holds at least a table: *filter … COMMIT',
      })
    const closing = this.#takeRemarks()
    return closing ? { ...this.#ruleset, closing } : this.#ruleset
  }

  #openTable(span: Span): void {
    const [word] = tokenise(this.#source, span.start + 1, span.end)
    const name = word?.text ?? ''
    if (!isTableName(name))
      throw new RuleError('ERR_TABLE', `unknown table "${name}"`, {
        span,
        hint: `tables are ${tableNames.join(', ')}`,
      })
    this.#tables++
    this.#skipping = this.#options.table !== undefined && this.#options.table !== name
    if (this.#skipping) return
    this.#opened = span
    const old = this.#ruleset.tables.find(table => table.name === name)
    this.#table = old ? new TableEditor(old) : TableEditor.create(name, span)
    this.#plain =
      name === 'nat' ? undefined : new PlainLineReader(this.#source, this.#ruleset.family, this.#table)
    if (!this.#options.noflush) this.#empty(this.#table, span)
    this.#table.remarks = this.#takeRemarks()
  }

  #empty(table: TableEditor, span: Span): void {
    table.flush(undefined, span)
    table.deleteChain(undefined, span)
  }

  #commit(editor: TableEditor): void {
    editor.closing = this.#takeRemarks()
    const table = editor.build()
    checkTable(table)
    this.#ruleset = withTable(this.#ruleset, table)
    this.#table = undefined
  }

  /** `:CHAIN POLICY [packets:bytes]`; quotes mean nothing here. */
  #readChain(table: TableEditor, span: Span): void {
    const { name, policy, counters } = chainLine(span)
    if (name === '') throw new RuleError('ERR_SYNTAX', 'the chain has no name', { span })
    checkChainName(name, span)
    if (!isBaseChain(table.name, name)) table.declare(name, this.#options.noflush === true, span)
    if (!policy)
      throw new RuleError('ERR_SYNTAX', `the chain ${name} has no policy`, {
        span,
        hint: 'user chains have the policy -',
      })
    if (policy !== '-' && this.#options.counters && counters === undefined)
      throw new RuleError('ERR_COUNTER', `the policy of ${name} has no counters`, { span })
    if (policy !== '-') table.setPolicy(name, policy, this.#readCounters(counters, span), span)
    const remarks = this.#takeRemarks()
    if (remarks) table.remark(name, remarks)
    this.#plain?.declared(name)
  }

  #readRule(table: TableEditor, span: Span): void {
    const { text } = this.#source
    const counters = text.charCodeAt(span.start) === BRACKET ? ruleCounters(span) : undefined
    const start = counters?.end ?? span.start
    const plain = this.#readPlain(start, span, counters?.text)
    if (plain) return table.append(plain.chain, this.#remarkedRule(plain.rule), span)
    const edit = this.#readAny(table, start, span, counters?.text)
    if (!edit || edit.kind === 'version' || edit.kind === 'help') return
    table.apply(this.#remarked(edit), span)
    if (edit.kind === 'append') for (const rule of edit.rules) this.#plain?.learn(edit.chain, rule)
  }

  /** Of a rule that iptables-save could have printed, most likely. */
  #readPlain(start: number, span: Span, counters: string | undefined): PlainRule | undefined {
    return this.#plain?.read(
      start,
      span,
      counters === undefined ? undefined : () => this.#readCounters(counters, span),
    )
  }

  #readAny(
    table: TableEditor,
    start: number,
    span: Span,
    counters: string | undefined,
  ): Edit | InformationCommand | undefined {
    return parseLine(tokenise(this.#source, start, span.end), {
      family: this.#ruleset.family,
      table: table.name,
      span,
      counters: this.#readCounters(counters, span),
      strictCounters: this.#options.counters === true,
      keepUnknown:
        this.#options.unknownExtensions === 'keep' ? { isChain: name => table.hasChain(name) } : undefined,
    })
  }

  #readCounters(text: string | undefined, span: Span): Counters | undefined {
    if (text === undefined || this.#options.counters === false) return undefined
    try {
      return parseCounters(text)
    } catch (error) {
      throw error instanceof RuleError ? error.at(span) : error
    }
  }

  #remarked(edit: Edit): Edit {
    if (this.#remarks.length === 0 || !('rules' in edit)) return edit
    const [first, ...rest] = edit.rules
    return first ? { ...edit, rules: [this.#remarkedRule(first), ...rest] } : edit
  }

  #remarkedRule(rule: Rule): Rule {
    const remarks = this.#takeRemarks()
    return remarks ? { ...rule, remarks } : rule
  }

  #takeRemarks(): readonly string[] | undefined {
    if (this.#remarks.length === 0) return undefined
    const remarks = this.#remarks
    this.#remarks = []
    return remarks
  }
}

interface ChainLine {
  readonly name: string
  readonly policy: string | undefined
  readonly counters: string | undefined
}

const UNCOUNTED = ' - [0:0]'

/** The words of a line `:CHAIN POLICY [packets:bytes]`. */
function chainLine({ source: { text }, start, end }: Span): ChainLine {
  const blank = text.indexOf(' ', start)
  const name = text.slice(start + 1, blank)
  // as iptables-save prints user chains
  if (end - blank === UNCOUNTED.length && text.startsWith(UNCOUNTED, blank) && !name.includes('\t'))
    return { name, policy: '-', counters: '[0:0]' }
  const [first = '', policy, counters] = text.slice(start + 1, end).split(/[ \t]+/)
  return { name: first, policy, counters }
}

const [BLANK, HASH, STAR, COLON, C, BRACKET] = [0x20, 0x23, 0x2a, 0x3a, 0x43, 0x5b]

function isBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!' \t\r'.includes(text.charAt(at))) return false
  return true
}

/** `[packets:bytes]` before a rule, which may follow without a blank. */
function ruleCounters(span: Span): Pick<Token, 'text' | 'end'> {
  const { text } = span.source
  const close = text.indexOf(']', span.start)
  if (close < 0 || close >= span.end)
    throw new RuleError('ERR_COUNTER', 'the counters have no "]"', {
      span,
      hint: 'write them as [packets:bytes]',
    })
  return { text: text.slice(span.start, close + 1), end: close + 1 }
}

const outside = (span: Span): RuleError =>
  new RuleError('ERR_SYNTAX', 'this stands outside of any table', {
    span,
    hint: 'a table begins with a line such as *filter and ends with COMMIT',
  })
