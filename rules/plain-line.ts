// Rules as iptables-save prints most of them: `-A CHAIN`, then of addresses, devices, protocol, matches and target those that there are, in that order and in
// their one spelling; and as people and scripts write them: the protocol first or as a number, single addresses without /32, ports without -m. Long rule
// files hold little else, so such a line is read in one go, without tokens and drafts, and comes to the same rule. What is not spelled just so is left
// to the reader of all arguments, mistakes above all.

import { assemble } from './build.ts'
import type { Counters } from './counters.ts'
import { FROM_HERE, TO_HERE } from './device-place.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import { Learnt } from './learnt.ts'
import { LineCursor } from './line-cursor.ts'
import { readPrefix4, readPrefix6 } from './plain-address.ts'
import { readImpliedPorts, readPlainMatch } from './plain-match.ts'
import { findTarget, type Match, type Target } from './registry.ts'
import type { Rule } from './rule.ts'
import { baseChains } from './ruleset.ts'
import type { Source, Span } from './span.ts'
import type { Term } from './term.ts'
import type { AddressMask } from './value/address.ts'
import { type InterfacePattern, parseInterface } from './value/interface.ts'
import { numberedProtocol, printedProtocol, printProtocol } from './value/protocol.ts'
import { type WrittenRules, writtenIn } from './written.ts'

/** A rule and the chain it is to be appended to. */
export interface PlainRule {
  readonly chain: string
  readonly rule: Rule
}

/** What may be read here of a name: as any name, and as a chain's behind -j. */
interface Name {
  readonly name: string
  readonly chain: boolean
}

const NO_NAME: Name = { name: '', chain: false }

/** Short enough for a chain. */
const NAME = /^\w[\w.-]{0,27}$/
const DEVICE = /^(?=.{1,15}$)\w[\w.-]*\+?$/
/** A match and its options, which end where a word begins otherwise. */
const MATCH = / -m [\w-]+(?:(?: !)? --[\w-]+(?: [^\s"!-][^\s"]*)*(?: "(?:[^"\\\n]|\\["'\\])*")?)*/y
const NO_MATCHES: readonly Match[] = []
const BLANK = 0x20
const [S, D, I, O, P, M] = [0x73, 0x64, 0x69, 0x6f, 0x70, 0x6d]
const DASH = 0x2d

const isOfCore = (letter: number): boolean =>
  letter === S || letter === D || letter === I || letter === O || letter === P

/** What a rule asks without matches. */
interface Core {
  source: Rule['source'] | undefined
  destination: Rule['destination'] | undefined
  inInterface: Rule['inInterface'] | undefined
  outInterface: Rule['outInterface'] | undefined
  protocol: Rule['protocol'] | undefined
}

const emptyCore = (): Core => ({
  source: undefined,
  destination: undefined,
  inInterface: undefined,
  outInterface: undefined,
  protocol: undefined,
})

function empty(core: Core): void {
  core.source = undefined
  core.destination = undefined
  core.inInterface = undefined
  core.outInterface = undefined
  core.protocol = undefined
}

/** What a reader is told of the table its lines are of. */
export interface PlainTable {
  readonly name: TableName
  /** A name that is no target is read as a chain's where it is one. */
  hasChain(name: string): boolean
}

/** Reads lines of one table of a source, other than nat, which takes fewer targets. */
export class PlainLineReader {
  readonly #cursor: LineCursor
  readonly #text: string
  readonly #written: WrittenRules
  readonly #learnt: Learnt
  readonly #names = new Map<string, Name>()
  /** The chain of the line before. */
  #last = NO_NAME
  readonly #devices = new Map<string, InterfacePattern>()
  readonly #family: Family
  readonly #table: PlainTable
  /** Room for what a rule asks without matches, and for its matches. */
  readonly #core = emptyCore()
  readonly #matches: Match[] = []

  constructor(source: Source, family: Family, table: PlainTable) {
    this.#cursor = new LineCursor(source)
    this.#text = source.text
    this.#written = writtenIn(source)
    this.#learnt = new Learnt(table.name, family)
    this.#family = family
    this.#table = table
    for (const name of baseChains[table.name]) this.declared(name)
  }

  /**
   * The name of a chain, as it is known elsewhere. Rules get the same text for it, not one that is equal: whoever looks for the chains of thousands of rules then
   * need not compare them letter by letter.
   */
  declared(name: string): void {
    if (NAME.test(name) && !this.#names.has(name)) this.#add(name)
  }

  /** The command of a line, from `start` on, behind the counters that may stand there; undefined where it is not spelled so. */
  read(start: number, span: Span, counters: (() => Counters | undefined) | undefined): PlainRule | undefined {
    const cursor = this.#cursor
    const first = this.#text.charCodeAt(start) === BLANK ? start + 1 : start
    if (!this.#text.startsWith('-A ', first)) return undefined
    cursor.at = first + 3
    cursor.end = span.end
    cursor.printed = true
    const { name: chain } = this.#chain()
    const beginning = cursor.at
    const core = this.#core
    empty(core)
    this.#readCore(chain, core)
    if (isOfCore(cursor.letter())) {
      // one of them stands behind another that it is printed before
      cursor.printed = false
      this.#readCore(chain, core)
    }
    const protocol = core.protocol?.value
    const matches = this.#readMatches(chain, protocol)
    const target = this.#target(chain, protocol)
    if (cursor.at !== span.end) return undefined
    const rule = assemble(core.source, core.destination, {
      protocol: core.protocol,
      inInterface: core.inInterface,
      outInterface: core.outInterface,
      fragment: undefined,
      target,
      matches,
      counters: counters?.(),
      span,
    })
    if (cursor.printed) this.#written.add(rule, beginning)
    return { chain, rule }
  }

  /** In the order they are printed in, those that are not there yet. */
  #readCore(chain: string, core: Core): void {
    const cursor = this.#cursor
    // the letter of the next option first: most rules have few of them, and it costs less than to look for each
    if (cursor.letter() === S && !core.source) core.source = this.#address(' -s ')
    if (cursor.letter() === D && !core.destination) core.destination = this.#address(' -d ')
    if (cursor.letter() === I && !core.inInterface)
      core.inInterface = this.#device(' -i ', !FROM_HERE.has(chain))
    if (cursor.letter() === O && !core.outInterface)
      core.outInterface = this.#device(' -o ', !TO_HERE.has(chain))
    if (cursor.letter() === P && !core.protocol) core.protocol = this.#protocol()
  }

  /** From a rule that was to be read otherwise, and is in order. */
  learn(chain: string, rule: Rule): void {
    this.#learnt.learn(chain, rule)
  }

  /** The chain a line is for: most often that of the line before. */
  #chain(): Name {
    const cursor = this.#cursor
    const { name } = this.#last
    const end = cursor.at + name.length
    const isNext = name !== '' && this.#text.charCodeAt(end) === BLANK
    if (isNext && this.#text.startsWith(name, cursor.at)) cursor.at = end
    else this.#last = this.#name()
    return this.#last
  }

  #name(): Name {
    const name = this.#cursor.word()
    return this.#names.get(name) ?? this.#newName(name)
  }

  #newName(name: string): Name {
    if (!NAME.test(name)) {
      this.#cursor.fail()
      return NO_NAME
    }
    return this.#add(name)
  }

  #add(name: string): Name {
    const known = { name, chain: !findTarget(name) }
    this.#names.set(name, known)
    return known
  }

  #address(option: ' -s ' | ' -d '): Term<AddressMask> | undefined {
    const cursor = this.#cursor
    const start = cursor.at + 1
    if (!cursor.takes(option)) return undefined
    const value = this.#family === 4 ? readPrefix4(cursor) : readPrefix6(cursor)
    return value ? { value, negated: false, span: cursor.spanFrom(start) } : cursor.fail()
  }

  #device(option: ' -i ' | ' -o ', mayStand: boolean): Term<InterfacePattern> | undefined {
    const cursor = this.#cursor
    const start = cursor.at + 1
    if (!cursor.takes(option)) return undefined
    const name = cursor.word()
    let value = this.#devices.get(name)
    if (!value && DEVICE.test(name)) {
      value = parseInterface(name)
      this.#devices.set(name, value)
    }
    return value && mayStand ? { value, negated: false, span: cursor.spanFrom(start) } : cursor.fail()
  }

  #protocol(): Term<number> | undefined {
    const cursor = this.#cursor
    const start = cursor.at + 1
    if (!cursor.takes(' -p ')) return undefined
    const word = cursor.word()
    const value = printedProtocol(word) ?? numberedProtocol(word)
    if (value === undefined) return cursor.fail()
    if (printProtocol(value) !== word) cursor.printed = false
    return { value, negated: false, span: cursor.spanFrom(start) }
  }

  #readMatches(chain: string, protocol: number | undefined): readonly Match[] {
    const cursor = this.#cursor
    let count = 0
    const implied = cursor.letter() === DASH ? readImpliedPorts(cursor, protocol) : undefined
    if (implied) this.#matches[count++] = implied
    while (cursor.letter() === M) {
      const match = this.#match(chain, protocol)
      if (match && match.kind !== implied?.kind) this.#matches[count++] = match
      else cursor.fail()
    }
    return count === 0 ? NO_MATCHES : this.#matches.slice(0, count)
  }

  #match(chain: string, protocol: number | undefined): Match | undefined {
    const cursor = this.#cursor
    const start = cursor.at
    const match = readPlainMatch(cursor, chain, protocol)
    if (match) return match
    cursor.at = start
    if (!cursor.takesPattern(MATCH)) return undefined
    const text = this.#text.slice(start, cursor.at)
    return this.#learnt.match(chain, protocol, text, cursor.spanFrom(start + 1))
  }

  #target(chain: string, protocol: number | undefined): Target | undefined {
    const cursor = this.#cursor
    const start = cursor.at + 1
    const goes = cursor.takes(' -g ')
    if (!goes && !cursor.takes(' -j ')) return undefined
    const { name, chain: isChain } = this.#name()
    const span = cursor.spanFrom(start)
    if (goes) return { kind: 'goto', chain: name, span }
    if (name === 'ACCEPT' || name === 'DROP' || name === 'RETURN') return { kind: name, span }
    if (!isChain) return this.#learntTarget(chain, protocol, start)
    return this.#table.hasChain(name) ? { kind: 'jump', chain: name, span } : cursor.fail()
  }

  /** It takes all that is left of the line. */
  #learntTarget(chain: string, protocol: number | undefined, start: number): Target | undefined {
    const cursor = this.#cursor
    cursor.at = cursor.end
    const text = this.#text.slice(start - 1, cursor.end)
    return this.#learnt.target(chain, protocol, text, cursor.spanFrom(start)) ?? cursor.fail()
  }
}
