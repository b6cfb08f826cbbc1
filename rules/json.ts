// Rule sets as JSON, and back. The schema (docs/json.md) speaks of options as iptables names them, not of our types, so that it
// stays the same when those change.

import { parseRules } from './arguments.ts'
import { checkTable } from './check.ts'
import { type Counters, parseCounter } from './counters.ts'
import type { RuleContext } from './draft.ts'
import { TableEditor } from './edit-table.ts'
import { RuleError } from './error.ts'
import type { Family } from './family.ts'
import { type Reading, readObject } from './json-reader.ts'
import { printMatch, printTarget } from './print.ts'
import type { Target } from './registry.ts'
import type { Rule } from './rule.ts'
import {
  type Chain,
  isBaseChain,
  isTableName,
  type Policy,
  type Ruleset,
  type Table,
  tableNames,
} from './ruleset.ts'
import type { Source } from './span.ts'
import type { Term } from './term.ts'
import { tokenise, tokensOf } from './token.ts'
import { printAddressMask } from './value/address.ts'
import { printInterface } from './value/interface.ts'
import { printProtocol } from './value/protocol.ts'

/** A value, or one that must not be. */
export type JsonTerm = string | { readonly not: string }

/** A 64-bit number: a string where a double could not hold it. */
export type JsonCount = number | string

export interface JsonOption {
  /** Without its dashes. */
  readonly option: string
  readonly not?: true
  readonly values: readonly string[]
}

export interface JsonExtension {
  readonly name: string
  readonly options: readonly JsonOption[]
}

export interface JsonRule {
  readonly source?: JsonTerm
  readonly destination?: JsonTerm
  readonly inInterface?: JsonTerm
  readonly outInterface?: JsonTerm
  readonly protocol?: JsonTerm
  /** True for -f, false for ! -f. */
  readonly fragment?: boolean
  readonly matches: readonly JsonExtension[]
  readonly target?: JsonExtension
  readonly jump?: string
  readonly goto?: string
  readonly packets?: JsonCount
  readonly bytes?: JsonCount
}

export interface JsonChain {
  readonly name: string
  readonly policy?: Policy
  readonly packets?: JsonCount
  readonly bytes?: JsonCount
  readonly rules: readonly JsonRule[]
}

export interface JsonRuleset {
  readonly format: 'iptables-rules'
  readonly version: 1
  readonly family: Family
  readonly tables: readonly { readonly name: string; readonly chains: readonly JsonChain[] }[]
}

/** A rule set as a value for JSON.stringify. */
export const toJson = ({ family, tables }: Ruleset): JsonRuleset => ({
  format: 'iptables-rules',
  version: 1,
  family,
  tables: tables.map(({ name, chains }) => ({
    name,
    chains: chains.map(chain => chainToJson(chain, family)),
  })),
})

const chainToJson = (chain: Chain, family: Family): JsonChain => ({
  name: chain.name,
  ...(chain.policy && { policy: chain.policy }),
  ...countersToJson(chain.counters),
  rules: chain.rules.map(rule => ruleToJson(rule, family)),
})

export function ruleToJson(rule: Rule, family: Family): JsonRule {
  const { source, destination, inInterface, outInterface, protocol, fragment, target } = rule
  return {
    ...(source && { source: termToJson(source, printAddressMask) }),
    ...(destination && { destination: termToJson(destination, printAddressMask) }),
    ...(inInterface && { inInterface: termToJson(inInterface, printInterface) }),
    ...(outInterface && { outInterface: termToJson(outInterface, printInterface) }),
    ...(protocol && { protocol: termToJson(protocol, printProtocol) }),
    ...(fragment && { fragment: !fragment.negated }),
    matches: rule.matches.map(match => extensionToJson(printMatch(match, family))),
    ...(target && targetToJson(target, family)),
    ...countersToJson(rule.counters),
  }
}

const termToJson = <T>({ value, negated }: Term<T>, print: (value: T) => string): JsonTerm =>
  negated ? { not: print(value) } : print(value)

function targetToJson(target: Target, family: Family): Pick<JsonRule, 'target' | 'jump' | 'goto'> {
  if (target.kind === 'jump') return { jump: target.chain }
  if (target.kind === 'goto') return { goto: target.chain }
  return { target: extensionToJson(printTarget(target, family)) }
}

/** From the text ` -m name --option value ! --other`. */
function extensionToJson(text: string): JsonExtension {
  const [, name, ...rest] = tokenise({ name: '-', text }, 0, text.length)
  const options: { option: string; not?: true; values: string[] }[] = []
  let negated = false
  for (const { text: word, quoted } of rest) {
    if (word === '!' && !quoted) negated = true
    else if (word.startsWith('--') && !quoted) {
      options.push({ option: word.slice(2), ...(negated && { not: true as const }), values: [] })
      negated = false
    } else options.at(-1)?.values.push(word)
  }
  return { name: name?.text ?? '', options }
}

const countersToJson = (counters: Counters | undefined): { packets?: JsonCount; bytes?: JsonCount } =>
  counters ? { packets: countToJson(counters.packets), bytes: countToJson(counters.bytes) } : {}

const countToJson = (count: bigint): JsonCount =>
  count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : `${count}`

/** Reads what toJson made, given as text. Throws RuleError, with the path of the member in its message. */
export function parseJson(text: string, name = '-'): Ruleset {
  const root = readObject(parse(text, name), '')
  root.literal('format', 'iptables-rules')
  root.literal('version', 1)
  const family = root.member('family')
  if (family !== 4 && family !== 6) throw root.wrong('family', '4 or 6')
  const tables = root.list('tables').map(table => tableFromJson(table, family))
  root.done()
  return { family, tables }
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const source: Source = { name, text }
    const at = Number(/position (\d+)/.exec(String(cause))?.[1] ?? 0)
    throw new RuleError('ERR_SYNTAX', 'this is not JSON', {
      span: { source, start: at, end: Math.min(at + 1, text.length) },
      cause,
    })
  }
}

function tableFromJson(reading: Reading, family: Family): Table {
  const name = reading.text('name')
  if (!isTableName(name)) throw reading.wrong('name', `one of ${tableNames.join(', ')}`)
  const editor = TableEditor.create(name)
  const chains = reading.list('chains').map(chain => ({ chain, chainName: chain.text('name') }))
  for (const { chain, chainName } of chains) readChain(editor, chain, chainName)
  for (const { chain, chainName } of chains)
    readRules(editor, chain, { family, table: name, chain: chainName })
  reading.done()
  const table = editor.build()
  checkTable(table)
  return table
}

function readChain(editor: TableEditor, reading: Reading, name: string): void {
  const policy = reading.optionalText('policy')
  if ((policy !== undefined) !== isBaseChain(editor.name, name))
    throw reading.wrong('policy', 'there for base chains, and only for them')
  const span = reading.span()
  if (policy === undefined) editor.declare(name, false, span)
  else editor.setPolicy(name, policy, countersFromJson(reading), span)
}

function readRules(editor: TableEditor, reading: Reading, context: RuleContext): void {
  const { chain } = context
  for (const one of reading.list('rules')) {
    const rules = [ruleFromJson(one, context)]
    editor.apply({ kind: 'append', chain, rules }, one.span())
  }
  reading.done()
}

function ruleFromJson(reading: Reading, context: RuleContext): Rule {
  const words = [
    ...wordsOfTerm(reading, 'source', '-s'),
    ...wordsOfTerm(reading, 'destination', '-d'),
    ...wordsOfTerm(reading, 'inInterface', '-i'),
    ...wordsOfTerm(reading, 'outInterface', '-o'),
    ...wordsOfTerm(reading, 'protocol', '-p'),
    ...wordsOfFragment(reading),
    ...reading.list('matches').flatMap(match => wordsOfExtension(match, '-m')),
    ...(reading.has('target') ? wordsOfExtension(reading.object('target'), '-j') : []),
    ...(reading.has('jump') ? ['-j', reading.text('jump')] : []),
    ...(reading.has('goto') ? ['-g', reading.text('goto')] : []),
  ]
  const counters = countersFromJson(reading)
  reading.done()
  const tokens = tokensOf(words, reading.path)
  const span = {
    source: { name: reading.path, text: words.join(' ') },
    start: 0,
    end: words.join(' ').length,
  }
  const [rule, ...more] = parseRules(tokens, context, span)
  if (!rule || more.length > 0) throw reading.wrong('source', 'one address')
  return counters ? { ...rule, counters } : rule
}

function wordsOfTerm(reading: Reading, name: string, option: string): string[] {
  if (!reading.has(name)) return []
  if (typeof reading.member(name) === 'string') return [option, reading.text(name)]
  const negated = reading.object(name)
  const value = negated.text('not')
  negated.done()
  return ['!', option, value]
}

function wordsOfFragment(reading: Reading): string[] {
  if (!reading.has('fragment')) return []
  const asked = reading.member('fragment')
  if (typeof asked !== 'boolean') throw reading.wrong('fragment', 'true or false')
  return asked ? ['-f'] : ['!', '-f']
}

function wordsOfExtension(reading: Reading, option: string): string[] {
  const words = [option, reading.text('name')]
  for (const one of reading.list('options')) {
    if (one.has('not')) one.literal('not', true)
    words.push(...(one.has('not') ? ['!'] : []), `--${one.text('option')}`, ...one.texts('values'))
    one.done()
  }
  reading.done()
  return words
}

function countersFromJson(reading: Reading): Counters | undefined {
  if (!reading.has('packets') && !reading.has('bytes')) return undefined
  return { packets: countFromJson(reading, 'packets'), bytes: countFromJson(reading, 'bytes') }
}

function countFromJson(reading: Reading, name: string): bigint {
  const count = reading.member(name)
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return BigInt(count)
  if (typeof count === 'string') return parseCounter(count)
  throw reading.wrong(name, 'a counter: a whole number, or a string of digits')
}
