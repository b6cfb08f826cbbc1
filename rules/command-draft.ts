import {
  type CommandLetter,
  type CoreOption,
  conflicting,
  illegalOption,
  type ListName,
  type OtherName,
} from './command-option.ts'
import { refused } from './error.ts'
import type { Family } from './family.ts'
import type { Span } from './span.ts'
import type { Token } from './token.ts'
import { checkNewChainName } from './value/chain.ts'
import { cNumber } from './value/number.ts'

/** The argument of an option, '' where it has none, and a way to take one more that does not look like an option. */
interface Words {
  readonly word: string
  next(): string | undefined
}

const INT_MAX = 2 ** 31 - 1

/** What a command's arguments said apart from the rule, as they are read. */
export class CommandDraft {
  readonly family: Family
  /** Of the commands given, in their order. */
  letters = ''
  /** -D or -Z with a number. */
  byNumber = false
  chain: Token | undefined
  number: number | undefined
  /** The new name of -E, the policy of -P. */
  word = ''
  table: string | undefined
  verbose = 0
  /** Seconds of -w; Infinity where it has none. */
  wait: number | undefined
  waitInterval = false
  information: 'version' | 'help' | undefined
  /** -4 in an IPv6 file, or -6 in an IPv4 one. */
  otherFamily = false
  /** Letters of the options given, once each. */
  given = ''

  constructor(family: Family) {
    this.family = family
  }

  /** Nothing that follows is looked at. */
  get ended(): boolean {
    return this.otherFamily || this.information !== undefined
  }

  /** Notes an option that may be given once. */
  mark(letter: string, token: Token): void {
    if (this.given.includes(letter)) throw usage(`multiple -${letter} flags not allowed`, token)
    this.given += letter
  }

  read(option: CoreOption, token: Token, words: Words, negated: boolean): void {
    if (option.role === 'command') this.#readCommand(option.name, token, words, negated)
    else if (option.role === 'list') this.#readList(option.name, token, negated)
    else if (option.role === 'other') this.#readOther(option.name, token, words, negated)
  }

  #readList(name: ListName, token: Token, negated: boolean): void {
    const letter = name === 'numeric' ? 'n' : name === 'exact' ? 'x' : '0'
    this.mark(letter, token)
    if (negated) throw usage(`cannot have ! before -${letter}`, token)
  }

  #readOther(name: OtherName, token: Token, words: Words, negated: boolean): void {
    switch (name) {
      case 'verbose':
        if (this.verbose++ === 0) this.mark('v', token)
        if (negated && this.verbose === 1) throw usage('cannot have ! before -v', token)
        return
      case 'table':
        if (negated) throw usage('unexpected ! flag before --table', token)
        this.table = words.word
        return
      case 'wait':
        this.wait = readWait(words.word || words.next(), token)
        return
      case 'wait-interval':
        readInterval(words.word || words.next(), token)
        this.waitInterval = true
        return
      case 'ipv4':
      case 'ipv6':
        this.otherFamily = name !== `ipv${this.family}`
        return
      case 'version':
      case 'help':
        this.information = name
    }
  }

  #readCommand(letter: CommandLetter, token: Token, words: Words, negated: boolean): void {
    if (letter === 'N') checkNewChainName(words.word, token)
    this.#addCommand(letter, token, negated)
    const chain = words.word || ('LSFZX'.includes(letter) ? words.next() : words.word)
    if (chain !== undefined) this.chain = { ...token, text: chain }
    switch (letter) {
      case 'D':
      case 'Z':
        if (this.#readNumber(words, token)) this.byNumber = true
        return
      case 'R':
        if (!this.#readNumber(words, token)) throw usage('-R requires a rule number', token)
        return
      case 'I':
        if (!this.#readNumber(words, token)) this.number = 1
        return
      case 'L':
      case 'S':
        this.#readNumber(words, token)
        return
      case 'E':
        this.word = words.next() ?? missing('-E requires old-chain-name and new-chain-name', token)
        return
      case 'P':
        this.word = words.next() ?? missing('-P requires a chain and a policy', token)
    }
  }

  #addCommand(letter: CommandLetter, token: Token, negated: boolean): void {
    if (negated) throw usage("unexpected '!' flag", token)
    const other = this.letters === '' ? undefined : conflicting(this.letters, letter)
    if (other) throw usage(`Cannot use -${letter} with -${other}`, token)
    this.letters += letter
  }

  #readNumber(words: Words, token: Token): boolean {
    const text = words.next()
    if (text === undefined) return false
    const number = cNumber(text)
    if (number === undefined || number < 1 || number > INT_MAX)
      throw usage(`Invalid rule number \`${text}'`, token)
    this.number = number
    return true
  }

  /** What of the options given cannot stand beside the command. */
  check(span: Span): void {
    const illegal = illegalOption(this.letters, this.byNumber, this.given)
    if (illegal) throw usage(`Illegal option \`-${illegal}' with this command`, span)
  }
}

export const usage = (text: string, span: Span) => refused('ERR_OPTION', { status: 2, text }, { span })

function missing(text: string, token: Token): never {
  throw usage(text, token)
}

function readWait(text: string | undefined, token: Token): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const seconds = cNumber(text)
  if (seconds === undefined) throw usage('wait seconds not numeric', token)
  return seconds
}

function readInterval(text: string | undefined, token: Token): void {
  if (text === undefined) throw usage('wait interval value required', token)
  if (!/^\d/.test(text)) throw usage('wait interval not numeric', token)
  const microseconds = Number.parseInt(text, 10)
  if (microseconds > 999_999) throw usage(`too long usec wait ${microseconds} > 999999 usec`, token)
}
