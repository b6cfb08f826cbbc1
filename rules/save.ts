// Rule files: what iptables-save writes and iptables-restore reads.

import { checkRuleset } from './check.ts'
import { parseCommand } from './command.ts'
import { parseCounters } from './counters.ts'
import { RuleError } from './error.ts'
import type { Family } from './family.ts'
import { isBaseChain, isTableName, type Policy, type Ruleset, tableNames } from './ruleset.ts'
import type { Source, Span } from './span.ts'
import { TableBuilder } from './table-builder.ts'
import { type Token, tokenise } from './token.ts'
import { parseChainName } from './value/chain.ts'

export interface ParseOptions {
  readonly family: Family
  /** Names the text in errors; `-` unless given. */
  readonly name?: string
}

/** Reads a rule file. Throws RuleError with the place of the first thing wrong. */
export function parseSave(text: string, { family, name = '-' }: ParseOptions): Ruleset {
  const source: Source = { name, text }
  refuseBinary(source)
  const reader = new SaveReader(source, family)
  forEachLine(text, (start, end) => reader.readLine(start, end))
  const ruleset = reader.finish()
  checkRuleset(ruleset)
  return ruleset
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
  readonly #family: Family
  readonly #tables = new Map<string, TableBuilder>()
  #table: TableBuilder | undefined

  constructor(source: Source, family: Family) {
    this.#source = source
    this.#family = family
  }

  readLine(start: number, end: number): void {
    const first = this.#source.text[start]
    if (start === end || first === '#') return
    const span = { source: this.#source, start, end }
    if (first === '*') this.#openTable(span)
    else if (this.#source.text.slice(start, end).trim() === '') return
    else if (!this.#table)
      throw new RuleError('ERR_SYNTAX', 'this stands outside of any table', {
        span,
        hint: 'a table begins with a line such as *filter and ends with COMMIT',
      })
    else if (first === ':') this.#readChain(this.#table, span)
    else if (this.#source.text.slice(start, end).trim() === 'COMMIT') this.#table = undefined
    else this.#readRule(this.#table, span)
  }

  finish(): Ruleset {
    const end = this.#source.text.length
    if (this.#table)
      throw new RuleError('ERR_INPUT', `the table ${this.#table.name} has no COMMIT`, {
        ...(this.#table.span && { span: this.#table.span }),
        hint: 'end the table with a line COMMIT; without one iptables-restore would load nothing of it',
      })
    if (this.#tables.size === 0)
      throw new RuleError('ERR_INPUT', 'there are no rules in this', {
        span: { source: this.#source, start: end, end },
        hint: 'a rule file holds at least a table: *filter … COMMIT',
      })
    return { family: this.#family, tables: [...this.#tables.values()].map(table => table.build()) }
  }

  #openTable(span: Span): void {
    const name = span.source.text.slice(span.start + 1, span.end).trim()
    if (this.#table)
      throw new RuleError('ERR_SYNTAX', `the table ${this.#table.name} has no COMMIT before this`, { span })
    if (!isTableName(name))
      throw new RuleError('ERR_TABLE', `unknown table "${name}"`, {
        span,
        hint: `tables are ${tableNames.join(', ')}`,
      })
    // a table given a second time starts afresh, as a second iptables-restore of it would
    this.#table = new TableBuilder(name, span)
    this.#tables.delete(name)
    this.#tables.set(name, this.#table)
  }

  #readChain(table: TableBuilder, span: Span): void {
    const [name, policy, counters] = tokenise(this.#source, span.start + 1, span.end)
    if (!name) throw new RuleError('ERR_SYNTAX', 'the chain has no name', { span })
    if (!policy)
      throw new RuleError('ERR_SYNTAX', `the chain ${name.text} has no policy`, {
        span,
        hint: 'user chains have the policy -',
      })
    const chain = parseChainName(name)
    if (!isBaseChain(table.name, chain)) table.addChain(chain, span)
    else
      table.setPolicy(
        chain,
        readPolicy(policy),
        counters && place(counters, () => parseCounters(counters.text)),
        span,
      )
  }

  #readRule(table: TableBuilder, span: Span): void {
    const tokens = tokenise(this.#source, span.start, span.end)
    const [first] = tokens
    const counters = first?.text.startsWith('[') ? place(first, () => parseCounters(first.text)) : undefined
    const command = parseCommand(counters ? tokens.slice(1) : tokens, this.#family, table.name, span)
    for (const rule of command.rules)
      table.append(command.chain, counters ? { ...rule, counters } : rule, span)
  }
}

function readPolicy({ text, span }: Token): Policy | undefined {
  if (text === '-') return undefined
  if (text === 'ACCEPT' || text === 'DROP') return text
  throw new RuleError('ERR_CHAIN', `"${text}" is not a policy`, {
    span,
    hint: 'policies are ACCEPT and DROP',
  })
}

function place<T>({ span }: Token, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof RuleError ? error.at(span) : error
  }
}
