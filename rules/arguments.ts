// The arguments of one command, read the way iptables' do_parse and getopt_long read them: options in any order, long ones
// abbreviated as far as they stay clear, those of an extension known from its -m (or -p, or -j) on.

import { buildRules } from './build.ts'
import { CommandDraft } from './command-draft.ts'
import { type CoreName, type CoreOption, coreOptions, NEGATABLE, shortOptions } from './command-option.ts'
import { readInterface, readProtocol } from './core-value.ts'
import { type Counters, parseCounter } from './counters.ts'
import type { CoreUse, Draft, ExtensionUse, RuleContext } from './draft.ts'
import { RuleError, refused } from './error.ts'
import type { Family } from './family.ts'
import type { OptionSpec } from './option.ts'
import { optionsOf } from './option-index.ts'
import { type AnyMatchExtension, type AnyTargetExtension, findMatch, findTarget } from './registry.ts'
import type { Rule } from './rule.ts'
import { join, type Span } from './span.ts'
import type { Token } from './token.ts'
import { countWords, type KeepUnknown, written } from './unknown.ts'
import { checkTargetName } from './value/chain.ts'
import { cNumber } from './value/number.ts'
import { printProtocol } from './value/protocol.ts'

/** Reads a rule's arguments; several addresses in -s or -d make several rules. */
export function parseRules(tokens: readonly Token[], context: RuleContext, span: Span): Rule[] {
  const reader = new ArgumentReader(tokens, context.family, span)
  reader.read()
  return buildRules(reader.rule, context)
}

type Owner = ExtensionUse<AnyMatchExtension | AnyTargetExtension>

interface FoundOption {
  readonly owner: Owner
  readonly name: string
  readonly spec: OptionSpec<unknown>
}

/** Reads arguments one by one into a draft of the rule and a draft of the command. */
export class ArgumentReader {
  readonly rule: Draft
  readonly command: CommandDraft
  readonly #tokens: readonly Token[]
  readonly #keepUnknown: KeepUnknown | undefined
  /** Extensions in the order they were loaded. */
  readonly #loaded: Owner[] = []
  #at = 0
  #negation: Token | undefined

  constructor(tokens: readonly Token[], family: Family, span: Span, keepUnknown?: KeepUnknown) {
    this.#tokens = tokens
    this.#keepUnknown = keepUnknown
    this.rule = { family, span, core: {}, matches: [] }
    this.command = new CommandDraft(family)
  }

  /** Counters that stand before the rule; `strict` where they count as a -c that was given. */
  setCounters(counters: Counters, strict: boolean): void {
    this.rule.counters = counters
    if (strict) this.command.given = 'c'
  }

  read(): void {
    while (this.#at < this.#tokens.length && !this.command.ended) this.#readOne()
    if (this.#negation && !this.command.ended)
      throw refused(
        'ERR_SYNTAX',
        { status: 2, text: 'nothing appropriate following !' },
        { span: this.#negation },
      )
  }

  #readOne(): void {
    const token = this.#next()
    const { text } = token
    if (text === '!') {
      if (this.#negation)
        throw refused(
          'ERR_SYNTAX',
          { status: 2, text: 'multiple consecutive ! not allowed' },
          { span: token },
        )
      this.#negation = token
    } else if (text === '--') this.#readEnd()
    else if (text.startsWith('--')) this.#readLong(token)
    else if (text.startsWith('-') && text.length > 1) this.#readShort(token)
    else
      throw new RuleError('ERR_SYNTAX', `unexpected argument "${text}"`, {
        span: token,
        hint: 'a value that holds blanks must stand in quotes',
        refusal: { status: 2, text: `Bad argument \`${text}'`, bare: true },
      })
  }

  #readEnd(): void {
    const rest = this.#tokens[this.#at]
    if (rest)
      throw refused(
        'ERR_SYNTAX',
        { status: 2, text: 'unknown arguments found on commandline' },
        { span: rest },
      )
  }

  #readLong(token: Token): void {
    const equals = token.text.indexOf('=')
    const name = equals < 0 ? token.text.slice(2) : token.text.slice(2, equals)
    const attached = equals < 0 ? undefined : token.text.slice(equals + 1)
    const found = this.#find(name, token)
    if ('spec' in found) this.#readExtensionOption(found, token, attached)
    else this.#readCore(found, token, attached)
  }

  /** One letter, or several: those before the last take no argument. */
  #readShort(token: Token): void {
    const { text } = token
    for (let at = 1; at < text.length && !this.command.ended; at++) {
      const option = shortOptions.get(text.charAt(at))
      if (!option) throw unknownOption(text, token)
      const rest = option.arity === 0 ? undefined : text.slice(at + 1) || undefined
      this.#readCore(option, token, rest)
      if (option.arity !== 0) return
    }
  }

  #readCore(option: CoreOption, token: Token, attached: string | undefined): void {
    if (option.arity === 0 && attached !== undefined) throw unknownOption(token.text, token)
    if (option.role === 'rule') this.#readRulePart(option.name, token, this.#word(option, token, attached))
    else if (option.role === 'other' && option.name === 'match')
      this.#addMatch(this.#word(option, token, attached), token)
    else if (option.role === 'other' && option.name === 'set-counters')
      this.#readCounters(this.#word(option, token, attached), token)
    else {
      const words = { word: this.#word(option, token, attached), next: () => this.#optionalWord() }
      this.command.read(option, token, words, this.#negation !== undefined)
    }
    this.#negation = undefined
  }

  #readRulePart(name: CoreName, token: Token, word: string): void {
    const span = this.#spanFrom(token)
    if (name === 'fragment' && this.rule.family === 6) throw noFragment(token)
    this.#mark(name === 'goto' ? 'j' : name.charAt(0), token)
    const use = { text: word, negated: this.#negation !== undefined, span }
    this.rule.core[name] = use
    this.#readValue(name, use)
  }

  /** Values that iptables looks at as soon as it meets them. */
  #readValue(name: CoreName, use: CoreUse): void {
    if (name === 'protocol') {
      const protocol = readProtocol(use)
      if (protocol) this.rule.protocol = protocol
    } else if (name === 'in-interface') this.rule.inInterface = readInterface(use)
    else if (name === 'out-interface') this.rule.outInterface = readInterface(use)
    else if (name === 'jump') this.#addTarget(use)
    else if (name === 'goto') checkTargetName(use.text, use.span)
  }

  #mark(letter: string, token: Token): void {
    this.command.mark(letter, token)
    if (this.#negation && !NEGATABLE.includes(letter))
      throw refused(
        'ERR_OPTION',
        { status: 2, text: `cannot have ! before -${letter}` },
        { span: this.#negation },
      )
  }

  #addTarget({ text, span }: CoreUse): void {
    checkTargetName(text, span)
    const extension = findTarget(text)
    if (!extension) {
      if (this.#keepUnknown?.isChain(text) === false) this.#keepTarget(text, span)
      return
    }
    this.rule.target = { extension, span, uses: [] }
    this.#loaded.push(this.rule.target)
  }

  /** A name without options is more likely a chain that is missing. */
  #keepTarget(name: string, span: Span): void {
    const words = this.#unknownWords()
    const last = words.at(-1)
    if (last) this.rule.target = { kind: 'unknown', name, words: words.map(written), span: join(span, last) }
  }

  #unknownWords(): readonly Token[] {
    const from = this.#at
    this.#at += countWords(this.#tokens, from)
    return this.#tokens.slice(from, this.#at)
  }

  #addMatch(name: string, token: Token): void {
    const span = this.#spanFrom(token)
    if (this.#negation)
      throw refused('ERR_OPTION', { status: 2, text: 'unexpected ! flag before --match' }, { span })
    const extension = findMatch(name)
    if (!extension && this.#keepUnknown) {
      const words = this.#unknownWords()
      const place = join(span, words.at(-1) ?? span)
      this.rule.matches.push({ kind: 'unknown', name, words: words.map(written), span: place })
      return
    }
    if (!extension)
      throw new RuleError('ERR_EXTENSION', `unknown match "${name}"`, {
        span,
        refusal: { status: 2, text: `Couldn't load match \`${name}':No such file or directory\n` },
      })
    this.#load({ extension, span, uses: [] })
  }

  #load(use: ExtensionUse<AnyMatchExtension>): void {
    this.rule.matches.push(use)
    this.#loaded.push(use)
  }

  /** `-c PACKETS BYTES` or `-c PACKETS,BYTES`. */
  #readCounters(word: string, token: Token): void {
    const comma = word.indexOf(',', 1)
    this.#mark('c', token)
    const bytes = comma < 0 ? this.#optionalWord() : word.slice(comma + 1)
    const span = this.#spanFrom(token)
    if (bytes === undefined)
      throw refused('ERR_COUNTER', { status: 2, text: '-c requires packet and byte counter' }, { span })
    this.rule.counters = {
      packets: readCounter(comma < 0 ? word : word.slice(0, comma), 'packet', span),
      bytes: readCounter(bytes, 'byte', span),
    }
  }

  #readExtensionOption(found: FoundOption, token: Token, attached: string | undefined): void {
    const { owner, name, spec } = found
    const words =
      spec.arity === 'optional' ? this.#optionalWords(attached) : this.#words(spec.arity, token, attached)
    const negated = this.#takeNegation(spec.negatable === true, token)
    const span = this.#spanFrom(token)
    if (!spec.repeatable && owner.uses.some(use => use.name === name))
      throw new RuleError('ERR_OPTION', `--${name} is given twice`, { span })
    owner.uses.push({
      name,
      spec,
      words,
      negated: negated !== undefined,
      span: negated ? join(negated, span) : span,
    })
    owner.span = join(owner.span, span)
  }

  /** The option of a long name: exact ones first, else the only one that begins so, among the core's and all loaded extensions'. */
  #find(name: string, token: Token): CoreOption | FoundOption {
    const found = this.#lookUp(name) ?? this.#loadByProtocol(name, token)
    if (!found) throw unknownOption(token.text, token)
    return found
  }

  #lookUp(name: string): CoreOption | FoundOption | undefined {
    const core = coreOptions.get(name)
    if (core) return core
    // the last extension loaded wins where two know the same option
    for (let at = this.#loaded.length - 1; at >= 0; at--) {
      const owner = this.#loaded[at]
      const option = owner && optionsOf(owner.extension, this.rule.family).get(name)
      if (owner && option) return { owner, name: option.name, spec: option.spec }
    }
    return this.#abbreviated(name)
  }

  #abbreviated(name: string): CoreOption | FoundOption | undefined {
    const candidates = new Map<string, CoreOption | FoundOption>()
    for (const [long, option] of coreOptions) if (long.startsWith(name)) candidates.set(option.name, option)
    for (const owner of this.#loaded)
      for (const [long, option] of optionsOf(owner.extension, this.rule.family))
        if (long.startsWith(name)) candidates.set(`--${option.name}`, { owner, ...option })
    return candidates.size === 1 ? [...candidates.values()][0] : undefined
  }

  /** `-p tcp --dport 22` loads the match of the protocol's name without being told. */
  #loadByProtocol(name: string, token: Token): CoreOption | FoundOption | undefined {
    const { protocol } = this.rule.core
    if (!protocol || protocol.negated) return undefined
    const extension = findMatch(protocolMatchName(protocol.text))
    if (!extension || this.rule.matches.some(match => 'extension' in match && match.extension === extension))
      return undefined
    this.#load({ extension, span: token, uses: [] })
    const found = this.#lookUp(name)
    if (found) return found
    this.rule.matches.pop()
    this.#loaded.pop()
    return undefined
  }

  /**
   * The argument of a core option. Like iptables itself, those of a rule other than -g take the whole word an argument is attached
   * to: `-ieth0` names the interface "-ieth0", and `-ptcp` no known protocol.
   */
  #word(option: CoreOption, token: Token, attached: string | undefined): string {
    if (option.arity === 0) return ''
    const whole = option.role === 'rule' && option.name !== 'goto'
    if (attached !== undefined) return whole ? token.text : attached
    if (option.arity === 'optional') return ''
    return this.#required(token)
  }

  #required(token: Token): string {
    if (this.#at < this.#tokens.length) return this.#next().text
    throw new RuleError('ERR_OPTION', `${token.text} needs a value`, {
      span: token,
      refusal: { status: 2, text: `option "${token.text}" requires an argument` },
    })
  }

  #words(count: number, token: Token, attached: string | undefined): string[] {
    const words = attached === undefined ? [] : [attached]
    if (count === 0 && attached !== undefined) throw unknownOption(token.text, token)
    while (words.length < count) words.push(this.#required(token))
    return words
  }

  #optionalWords(attached: string | undefined): string[] {
    const word = attached ?? this.#optionalWord()
    return word === undefined ? [] : [word]
  }

  /** The next argument unless it looks like an option; quotes do not make a difference to iptables. */
  #optionalWord(): string | undefined {
    const next = this.#tokens[this.#at]
    if (!next || /^[-!]/.test(next.text)) return undefined
    return this.#next().text
  }

  #takeNegation(negatable: boolean, token: Token): Token | undefined {
    const negation = this.#negation
    this.#negation = undefined
    if (negation && !negatable)
      throw new RuleError('ERR_OPTION', `${token.text} cannot be negated`, { span: negation })
    return negation
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw new RuleError('ERR_SYNTAX', 'the rule ends too early', { span: this.rule.span })
    return token
  }

  /** From an option (or the "!" before it) to the last argument read. */
  #spanFrom(token: Token): Span {
    const first = this.#negation ?? token
    const last = this.#tokens[this.#at - 1] ?? token
    return { source: first.source, start: first.start, end: last.end }
  }
}

/** A protocol given by name loads the match of just that name: `-p mh` does, `-p ipv6-mh` does not. */
const protocolMatchName = (text: string): string => {
  const number = cNumber(text)
  return number === undefined ? text.toLowerCase() : printProtocol(number)
}

function readCounter(text: string, what: 'packet' | 'byte', span: Span): bigint {
  if (!/^\s*[+-]?\d/.test(text))
    throw refused('ERR_COUNTER', { status: 2, text: `-c ${what} counter not numeric` }, { span })
  try {
    return parseCounter(text)
  } catch (error) {
    throw error instanceof RuleError ? error.at(span) : error
  }
}

const unknownOption = (text: string, token: Token): RuleError =>
  new RuleError('ERR_OPTION', `unknown option "${text}"`, {
    span: token,
    hint: 'an option of an extension must follow its -m, -p or -j',
    refusal: { status: 2, text: `unknown option "${text}"` },
  })

/** ip6tables knows -f, to say that it does not; the long form it does not know at all. */
const noFragment = (token: Token): RuleError =>
  token.text.startsWith('--')
    ? unknownOption(token.text, token)
    : refused(
        'ERR_OPTION',
        { status: 2, text: "`-f' is not supported in IPv6, use -m frag instead" },
        { span: token },
      )
