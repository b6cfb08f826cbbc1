// The arguments of one rule, read the way iptables' do_parse and getopt_long read them: options in any order, long ones
// abbreviated as far as they stay clear, those of an extension known from its -m (or -p, or -j) on.

import { buildRules } from './build.ts'
import type { Counters } from './counters.ts'
import { parseCounter } from './counters.ts'
import { RuleError } from './error.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import type { OptionSpec, OptionUse } from './option.ts'
import { type AnyMatchExtension, type AnyTargetExtension, findMatch, findTarget } from './registry.ts'
import type { Rule } from './rule.ts'
import { join, type Span } from './span.ts'
import type { Token } from './token.ts'
import { parseProtocol, printProtocol } from './value/protocol.ts'

export interface RuleContext {
  readonly family: Family
  readonly table: TableName
  readonly chain: string
}

/** An option of the rule itself, as given: the value still as text. */
export interface CoreUse {
  readonly text: string
  readonly negated: boolean
  readonly span: Span
}

/** One -m, or the extension of -j, and what was given of its options, as text. */
export interface ExtensionUse<E> {
  readonly extension: E
  span: Span
  readonly uses: RawUse[]
}

export interface RawUse {
  readonly name: string
  readonly spec: OptionSpec<unknown>
  readonly words: readonly string[]
  readonly negated: boolean
  readonly span: Span
}

/** The name of an extension without its uses of options resolved yet. */
export type BuiltUse = OptionUse

export type CoreName =
  | 'protocol'
  | 'source'
  | 'destination'
  | 'in-interface'
  | 'out-interface'
  | 'fragment'
  | 'jump'
  | 'goto'

/** Everything a rule's arguments gave, before values are read: a value may depend on an option that comes later. */
export interface Draft {
  readonly context: RuleContext
  readonly span: Span
  readonly core: Map<CoreName, CoreUse>
  readonly matches: ExtensionUse<AnyMatchExtension>[]
  target?: ExtensionUse<AnyTargetExtension>
  counters?: Counters
}

interface CoreOption {
  readonly name: CoreName | 'match' | 'set-counters'
  readonly short: string
  readonly arguments: 0 | 1 | 2
  readonly negatable: boolean
}

const CORE: Readonly<Record<string, CoreOption>> = (() => {
  const core = (
    name: CoreOption['name'],
    short: string,
    words: 0 | 1 | 2,
    negatable: boolean,
  ): CoreOption => ({ name, short, arguments: words, negatable })
  const [protocol, source, destination] = [
    core('protocol', 'p', 1, true),
    core('source', 's', 1, true),
    core('destination', 'd', 1, true),
  ]
  const fragment = core('fragment', 'f', 0, true)
  return {
    protocol,
    proto: protocol,
    source,
    src: source,
    destination,
    dst: destination,
    'in-interface': core('in-interface', 'i', 1, true),
    'out-interface': core('out-interface', 'o', 1, true),
    fragments: fragment,
    fragment,
    jump: core('jump', 'j', 1, false),
    goto: core('goto', 'g', 1, false),
    match: core('match', 'm', 1, false),
    'set-counters': core('set-counters', 'c', 2, false),
  }
})()

const SHORT: ReadonlyMap<string, CoreOption> = new Map(
  Object.values(CORE).map(option => [option.short, option]),
)

/** Reads a rule's arguments; several addresses in -s or -d make several rules. */
export function parseRules(tokens: readonly Token[], context: RuleContext, span: Span): Rule[] {
  return buildRules(new ArgumentReader(tokens, context, span).read())
}

class ArgumentReader {
  readonly #tokens: readonly Token[]
  readonly #draft: Draft
  #at = 0
  #negation: Token | undefined

  constructor(tokens: readonly Token[], context: RuleContext, span: Span) {
    this.#tokens = tokens
    this.#draft = { context, span, core: new Map(), matches: [] }
  }

  read(): Draft {
    while (this.#at < this.#tokens.length) this.#readOne()
    if (this.#negation)
      throw new RuleError('ERR_SYNTAX', 'nothing follows the "!"', { span: this.#negation.span })
    return this.#draft
  }

  #readOne(): void {
    const token = this.#next()
    if (token.text === '!' && !token.quoted) {
      if (this.#negation) throw new RuleError('ERR_SYNTAX', 'two "!" in a row', { span: token.span })
      this.#negation = token
    } else if (token.text.startsWith('--')) this.#readLong(token)
    else if (token.text.startsWith('-') && token.text.length > 1) this.#readShort(token)
    else
      throw new RuleError('ERR_SYNTAX', `unexpected argument "${token.text}"`, {
        span: token.span,
        hint: 'a value that holds blanks must stand in quotes',
      })
  }

  #readLong(token: Token): void {
    const equals = token.text.indexOf('=')
    const name = token.text.slice(2, equals < 0 ? undefined : equals)
    const attached = equals < 0 ? undefined : token.text.slice(equals + 1)
    const found = this.#find(name, token)
    if ('spec' in found) this.#readExtensionOption(found, token, attached)
    else this.#readCore(found, token, attached)
  }

  #readShort(token: Token): void {
    const found = SHORT.get(token.text.charAt(1))
    if (!found) throw unknownOption(token.text, token)
    this.#readCore(found, token, token.text.length > 2 ? token.text.slice(2) : undefined)
  }

  #readCore(option: CoreOption, token: Token, attached: string | undefined): void {
    const words = this.#words(option.arguments, token, attached)
    const span = this.#spanFrom(token)
    const negated = this.#takeNegation(option.negatable, token)
    const [text = '', second = ''] = words
    if (option.name === 'match') this.#addMatch(text, span)
    else if (option.name === 'set-counters') this.#draft.counters = readCounters(text, second, span)
    else this.#addCore(option.name, { text, negated, span })
  }

  #addCore(name: CoreName, use: CoreUse): void {
    const { core } = this.#draft
    if (core.has(name)) throw new RuleError('ERR_OPTION', `--${name} is given twice`, { span: use.span })
    if ((name === 'jump' && core.has('goto')) || (name === 'goto' && core.has('jump')))
      throw new RuleError('ERR_OPTION', 'a rule has one target: either -j or -g', { span: use.span })
    core.set(name, use)
    if (name !== 'jump') return
    const extension = findTarget(use.text)
    if (extension) this.#draft.target = { extension, span: use.span, uses: [] }
  }

  #addMatch(name: string, span: Span): void {
    const extension = findMatch(name)
    if (!extension) throw new RuleError('ERR_EXTENSION', `unknown match "${name}"`, { span })
    this.#draft.matches.push({ extension, span, uses: [] })
  }

  #readExtensionOption(found: FoundOption, token: Token, attached: string | undefined): void {
    const { owner, name, spec } = found
    const words =
      spec.arity === 'optional' ? this.#optionalWord(attached) : this.#words(spec.arity, token, attached)
    const negated = this.#takeNegation(spec.negatable === true, token)
    const span = this.#spanFrom(token)
    if (!spec.repeatable && owner.uses.some(use => use.name === name))
      throw new RuleError('ERR_OPTION', `--${name} is given twice`, { span })
    owner.uses.push({ name, spec, words, negated, span })
    owner.span = join(owner.span, span)
  }

  /** The option of a long name: exact ones first, else the only one that begins so, among the core's and all loaded extensions'. */
  #find(name: string, token: Token): CoreOption | FoundOption {
    const found = this.#lookUp(name, token) ?? this.#loadByProtocol(name, token)
    if (!found) throw unknownOption(token.text, token)
    return found
  }

  #lookUp(name: string, token: Token): CoreOption | FoundOption | undefined {
    // the last extension loaded wins where two know the same option
    const owners = [this.#draft.target, ...this.#draft.matches.toReversed()].filter(
      owner => owner !== undefined,
    )
    const known = owners.map(owner => optionsOf(owner.extension, this.#draft.context.family))
    for (const [index, options] of known.entries()) {
      const exact = options.get(name)
      const owner = owners[index]
      if (exact && owner) return { owner, ...exact }
    }
    if (Object.hasOwn(CORE, name)) return CORE[name]
    return this.#abbreviated(name, token, owners)
  }

  #abbreviated(
    name: string,
    token: Token,
    owners: readonly ExtensionUse<AnyMatchExtension | AnyTargetExtension>[],
  ): CoreOption | FoundOption | undefined {
    const candidates = new Map<string, CoreOption | FoundOption>()
    for (const [long, option] of Object.entries(CORE))
      if (long.startsWith(name)) candidates.set(option.name, option)
    for (const owner of owners.toReversed())
      for (const [long, option] of optionsOf(owner.extension, this.#draft.context.family))
        if (long.startsWith(name)) candidates.set(option.name, { owner, ...option })
    if (candidates.size > 1)
      throw new RuleError('ERR_OPTION', `--${name} could be --${[...candidates.keys()].join(' or --')}`, {
        span: token.span,
      })
    return [...candidates.values()][0]
  }

  /** `-p tcp --dport 22` loads the match of the protocol's name without being told. */
  #loadByProtocol(name: string, token: Token): CoreOption | FoundOption | undefined {
    const protocol = this.#draft.core.get('protocol')
    if (!protocol || protocol.negated) return undefined
    const extension = findMatch(protocolMatchName(protocol.text))
    if (!extension || this.#draft.matches.some(match => match.extension === extension)) return undefined
    const owner = { extension, span: token.span, uses: [] }
    this.#draft.matches.push(owner)
    const found = this.#lookUp(name, token)
    if (!found) this.#draft.matches.pop()
    return found
  }

  #words(count: number, token: Token, attached: string | undefined): string[] {
    const words = attached === undefined ? [] : [attached]
    if (count === 0 && attached !== undefined)
      throw new RuleError('ERR_OPTION', `${token.text} takes no value`, { span: token.span })
    while (words.length < count) {
      if (this.#at >= this.#tokens.length)
        throw new RuleError('ERR_OPTION', `${token.text} needs a value`, { span: token.span })
      words.push(this.#next().text)
    }
    return words
  }

  #optionalWord(attached: string | undefined): string[] {
    if (attached !== undefined) return [attached]
    const next = this.#tokens[this.#at]
    if (!next || (!next.quoted && (next.text.startsWith('-') || next.text === '!'))) return []
    return [this.#next().text]
  }

  #takeNegation(negatable: boolean, token: Token): boolean {
    const negation = this.#negation
    this.#negation = undefined
    if (negation && !negatable)
      throw new RuleError('ERR_OPTION', `${token.text} cannot be negated`, { span: negation.span })
    return negation !== undefined
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw new RuleError('ERR_SYNTAX', 'the rule ends too early', { span: this.#draft.span })
    return token
  }

  /** From an option (or the "!" before it) to the last argument read. */
  #spanFrom(token: Token): Span {
    const last = this.#tokens[this.#at - 1] ?? token
    return join(this.#negation?.span ?? token.span, last.span)
  }
}

interface FoundOption {
  readonly owner: ExtensionUse<AnyMatchExtension | AnyTargetExtension>
  readonly name: string
  readonly spec: OptionSpec<unknown>
}

type OptionIndex = ReadonlyMap<string, { readonly name: string; readonly spec: OptionSpec<unknown> }>

const optionIndex: Readonly<Record<Family, WeakMap<object, OptionIndex>>> = {
  4: new WeakMap(),
  6: new WeakMap(),
}

function optionsOf(extension: AnyMatchExtension | AnyTargetExtension, family: Family): OptionIndex {
  let index = optionIndex[family].get(extension)
  if (!index) {
    index = new Map(
      Object.entries(extension.options)
        .filter(([, spec]) => spec.families?.includes(family) ?? true)
        .flatMap(([name, spec]) =>
          [name, ...(spec.aliases ?? [])].map(long => [long, { name, spec }] as const),
        ),
    )
    optionIndex[family].set(extension, index)
  }
  return index
}

function protocolMatchName(text: string): string {
  try {
    return printProtocol(parseProtocol(text))
  } catch {
    return text
  }
}

function readCounters(packets: string, bytes: string, span: Span): Counters {
  try {
    return { packets: parseCounter(packets), bytes: parseCounter(bytes) }
  } catch (error) {
    throw error instanceof RuleError ? error.at(span) : error
  }
}

const unknownOption = (text: string, token: Token): RuleError =>
  new RuleError('ERR_OPTION', `unknown option "${text}"`, {
    span: token.span,
    hint: 'an option of an extension must follow its -m, -p or -j',
  })
