// The format of iptables-xml, which puts the words of rules into elements by how they look: it knows no extension.

import { type Counters, noCounters } from './counters.ts'
import type { Family } from './family.ts'
import { printAppend } from './print.ts'
import type { Rule } from './rule.ts'
import type { Chain, Ruleset, Table } from './ruleset.ts'
import { type Token, tokenise } from './token.ts'
import { utf8Bytes } from './value/quote.ts'

export interface XmlOptions {
  /** Counters on every rule; chains always have theirs. */
  readonly counters?: boolean
  /** -c: neighbours that ask the same become one rule with several actions. */
  readonly combine?: boolean
}

/** What iptables-xml makes of the rule set as iptables-save prints it. */
export function printXml(ruleset: Ruleset, options: XmlOptions = {}): string {
  const tables = ruleset.tables.map(table => printTable(table, ruleset.family, options))
  return ['<iptables-rules version="1.0">\n', ...tables, '</iptables-rules>\n'].join('')
}

function printTable(table: Table, family: Family, options: XmlOptions): string {
  const names = new Set(table.chains.map(chain => chain.name))
  const filled = table.chains.filter(chain => chain.rules.length > 0)
  const empty = table.chains.filter(chain => chain.rules.length === 0)
  return [
    `  <table ${attribute('name', table.name)}>\n`,
    ...filled.map(chain => printChain(chain, { family, names, options })),
    ...empty.map(chain => `    <chain ${chainAttributes(chain)}/>\n`),
    '  </table>\n',
  ].join('')
}

interface XmlContext {
  readonly family: Family
  /** Of the table's chains. */
  readonly names: ReadonlySet<string>
  readonly options: XmlOptions
}

function chainAttributes({ name, policy, counters }: Chain): string {
  return (
    attribute('name', name) +
    (policy ? attribute('policy', policy) : '') +
    countAttributes(counters ?? noCounters)
  )
}

const countAttributes = ({ packets, bytes }: Counters): string =>
  attribute('packet-count', `${BigInt.asIntN(64, packets)}`) +
  attribute('byte-count', `${BigInt.asIntN(64, bytes)}`)

function printChain(chain: Chain, context: XmlContext): string {
  const parts = [`    <chain ${chainAttributes(chain)}>\n`]
  let before: readonly Token[] | undefined
  for (const rule of chain.rules) {
    const words = wordsOf(rule, chain.name, context.family)
    const joined = before !== undefined && context.options.combine === true && isAlike(before, words)
    if (joined) parts.push('<!-- Combine action from next rule -->\n')
    else parts.push(before ? END_OF_RULE : '', openRule(rule, words, context))
    parts.push(printActions(words, context))
    before = words
  }
  parts.push(before ? END_OF_RULE : '', '    </chain>\n')
  return parts.join('')
}

const END_OF_RULE = '       </actions>\n\n      </rule>\n\n'

/** The words behind `-A CHAIN`. */
function wordsOf(rule: Rule, chain: string, family: Family): readonly Token[] {
  const text = printAppend(chain, rule, family)
  return tokenise({ name: '-', text }, 0, text.length).slice(2)
}

function openRule(rule: Rule, words: readonly Token[], context: XmlContext): string {
  const { packets, bytes } = rule.counters ?? noCounters
  const counts = context.options.counters
    ? attribute('packet-count', `${packets}`) + attribute('byte-count', `${bytes}`)
    : ''
  const [first] = words
  const conditions = first && !isTarget(first) ? printConditions(words, context) : ''
  return `      <rule ${counts}>\n${conditions}       <actions>\n`
}

const isTarget = ({ text }: Token): boolean => ['-j', '--jump', '-g', '--goto'].includes(text)

const isBareTarget = (word: Token): boolean => !word.quoted && isTarget(word)

const isOpening = (word: Token): boolean => isBareTarget(word) || (!word.quoted && word.text === '-m')

function printConditions(words: readonly Token[], context: XmlContext): string {
  const end = words.findIndex(isBareTarget)
  const part = new RulePart(context.names, end < 0 ? words : words.slice(0, end), words[end])
  return `       <conditions>\n${part.print()}       </conditions>\n`
}

function printActions(words: readonly Token[], context: XmlContext): string {
  const start = words.findIndex(isBareTarget)
  return start < 0 ? '' : new RulePart(context.names, words.slice(start)).print()
}

/** Rules that ask the same, of which the first does not end a packet's way. */
function isAlike(old: readonly Token[], next: readonly Token[]): boolean {
  for (let at = 0; at < old.length && at < next.length; at++) {
    const [a, b] = [old[at], next[at]]
    if (!a || !b) return false
    if (isTarget(a) && isTarget(b)) return at > 0 && !isFinal(a, old[at + 1])
    if (a.text !== b.text) return false
  }
  return false
}

const isFinal = ({ text }: Token, name: Token | undefined): boolean =>
  text === '-g' || text === '--goto' || ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'].includes(name?.text ?? '')

/** Conditions or actions, element by element: an extension holds its options, and an option its values. */
class RulePart {
  readonly #names: ReadonlySet<string>
  readonly #words: readonly Token[]
  /** The word behind the last. */
  readonly #next: Token | undefined
  readonly #output: string[] = []
  #extension: string | undefined
  #option: string | undefined
  #spacer = ''
  #inverted = false

  constructor(names: ReadonlySet<string>, words: readonly Token[], next?: Token) {
    this.#names = names
    this.#words = words
    this.#next = next
  }

  print(): string {
    this.#openPlain()
    for (let at = 0; at < this.#words.length; at++) at += this.#read(at)
    this.#close()
    return this.#output.join('')
  }

  /** Options before any extension are put into an element of their own. */
  #openPlain(): void {
    const [first, second] = this.#words
    const word = first?.text === '!' ? second : first
    if (!word?.text.startsWith('-') || isTarget(word) || word.text === '-m') return
    this.#extension = 'match'
    this.#output.push('        <match >\n')
  }

  /** Reads the word, and says how many more it has taken. */
  #read(at: number): 0 | 1 {
    const word = this.#words[at]
    const next = this.#words[at + 1]
    if (!word) return 0
    if (!word.quoted && word.text === '!') this.#invert(word, next)
    else if (isBareTarget(word) && next && this.#names.has(next.text)) this.#call(word, next)
    else if (isOpening(word)) {
      if (next) this.#open(next, this.#words[at + 2])
      return 1
    } else if (!word.quoted && word.text.startsWith('-')) this.#openOption(word, next ?? this.#next)
    else this.#value(word)
    return isBareTarget(word) ? 1 : 0
  }

  #invert(word: Token, next: Token | undefined): void {
    if (next?.text.startsWith('-')) this.#inverted = true
    else this.#output.push(this.#spacer, word.text)
    this.#spacer = ' '
  }

  #call(word: Token, chain: Token): void {
    this.#close()
    const element = word.text === '-g' || word.text === '--goto' ? 'goto' : 'call'
    this.#extension = element
    this.#output.push(`        <${element} >\n`, `          <${chain.text} />\n`)
  }

  #open(name: Token, next: Token | undefined): void {
    this.#close()
    const follows = next ?? this.#next
    const closed = !follows || isOpening(follows)
    this.#output.push(`        <${name.text} ${closed ? ' />' : '>'}\n`)
    if (!closed) this.#extension = name.text
  }

  #openOption(word: Token, next: Token | undefined): void {
    this.#closeOption()
    const name = word.text.replace(/^-+/, '')
    const closed = !next || next.text.startsWith('-')
    this.#output.push(`          <${name} ${this.#inverted ? ' invert="1"' : ''}${closed ? ' />\n' : '>'}`)
    this.#inverted = false
    this.#spacer = ''
    if (!closed) this.#option = name
  }

  #value({ text, quoted }: Token): void {
    const quote = quoted || text.includes(' ') ? '&quot;' : ''
    this.#output.push(this.#spacer, quote, encode(text), quote)
    this.#spacer = ' '
  }

  #close(): void {
    this.#closeOption()
    if (this.#extension !== undefined) this.#output.push(`        </${this.#extension}>\n`)
    this.#extension = undefined
    this.#spacer = ''
    this.#inverted = false
  }

  #closeOption(): void {
    if (this.#option !== undefined) this.#output.push(`</${this.#option}>\n`)
    this.#option = undefined
  }
}

const attribute = (name: string, value: string): string => `${name}="${encode(value)}" `

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Like iptables-xml, byte by byte: what is no ASCII becomes one reference for each byte of its UTF-8. */
const encode = (text: string): string =>
  text
    .replace(/[&<>"]/g, character => ENTITIES[character] ?? character)
    .replace(/[^\0-\x7e]+/g, rest =>
      utf8Bytes(rest)
        .map(byte => `&#${byte};`)
        .join(''),
    )
