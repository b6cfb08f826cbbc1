// Rules as iptables-save prints most of them: `-A CHAIN`, then of addresses, protocol, ports and target those that there are, in that order and in
// their one spelling. Long rule files hold little else, so such a line is read in one go, without tokens and drafts, and comes to the same rule. What is
// not spelled just so is left to the reader of all arguments, mistakes above all.

import { assemble } from './build.ts'
import type { Counters } from './counters.ts'
import type { Family } from './family.ts'
import { findTarget, type Match, type Target } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Source, Span } from './span.ts'
import type { Term } from './term.ts'
import { type AddressMask, prefixMask } from './value/address.ts'
import { printIpv6, readIpv6 } from './value/ipv6.ts'
import type { Range } from './value/number.ts'
import { LAST_PORT } from './value/port.ts'
import { printedProtocol } from './value/protocol.ts'
import { type WrittenRules, writtenIn } from './written.ts'

/** A rule and the chain it is to be appended to. */
export interface PlainRule {
  readonly chain: string
  readonly rule: Rule
}

/** Short enough for a chain. */
const NAME = /^\w[\w.-]{0,27}$/
const NO_MATCHES: readonly Match[] = []
const [BLANK, DOT, SLASH, DIGIT_0, DIGIT_9, COLON] = [0x20, 0x2e, 0x2f, 0x30, 0x39, 0x3a]

/** Reads lines of one source. At what it does not expect it goes behind the end of the text, where nothing is expected, and so never gets to the end of the line. */
export class PlainLineReader {
  readonly #source: Source
  readonly #written: WrittenRules
  readonly #text: string
  /** Of names met before, whether they may be read here: as any name, and as a chain's behind -j. */
  readonly #names = new Map<string, { readonly chain: boolean }>()
  readonly #family: Family
  readonly #isChain: (name: string) => boolean
  #at = 0
  #end = 0

  /** A name that is no target is read as a chain's where it is one. */
  constructor(source: Source, family: Family, isChain: (name: string) => boolean) {
    this.#source = source
    this.#written = writtenIn(source)
    this.#text = source.text
    this.#family = family
    this.#isChain = isChain
  }

  /**
   * The command of a line, from `start` on, behind the counters that may stand there; undefined where it is not spelled so. In a table other than nat, which
   * takes fewer targets.
   */
  read(start: number, span: Span, counters: (() => Counters | undefined) | undefined): PlainRule | undefined {
    const first = this.#text.charCodeAt(start) === BLANK ? start + 1 : start
    if (!this.#text.startsWith('-A ', first)) return undefined
    this.#at = first + 3
    this.#end = span.end
    const chain = this.#name()
    const beginning = this.#at
    const source = this.#address(' -s ')
    const destination = this.#address(' -d ')
    const protocol = this.#protocol()
    const match = protocol && this.#portMatch(protocol.value)
    const target = this.#target()
    if (this.#at !== span.end) return undefined
    const rule = assemble(source, destination, {
      protocol,
      inInterface: undefined,
      outInterface: undefined,
      fragment: undefined,
      target,
      matches: match ? [match] : NO_MATCHES,
      counters: counters?.(),
      span,
    })
    this.#written.add(rule, beginning)
    return { chain, rule }
  }

  /** Whether an option, which has a blank before it, comes next; goes behind it. */
  #takes(option: string): boolean {
    if (!this.#text.startsWith(option, this.#at)) return false
    this.#at += option.length
    return true
  }

  #fail(): undefined {
    this.#at = this.#text.length + 1
  }

  #spanFrom(start: number): Span {
    return { source: this.#source, start, end: this.#at }
  }

  #word(): string {
    const blank = this.#text.indexOf(' ', this.#at)
    const end = blank < 0 || blank > this.#end ? this.#end : blank
    const word = this.#text.slice(this.#at, end)
    this.#at = end
    return word
  }

  #name(): string {
    const name = this.#word()
    if (!this.#names.has(name)) {
      if (!NAME.test(name)) this.#fail()
      else this.#names.set(name, { chain: !findTarget(name) })
    }
    return name
  }

  #address(option: ' -s ' | ' -d '): Term<AddressMask> | undefined {
    const start = this.#at + 1
    if (!this.#takes(option)) return undefined
    const value = this.#family === 4 ? this.#network4() : this.#network6()
    return value ? { value, negated: false, span: this.#spanFrom(start) } : this.#fail()
  }

  #network4(): AddressMask | undefined {
    let value = this.#number(255)
    for (let octet = 1; octet < 4; octet++)
      value = value * 256 + (this.#skips(DOT) ? this.#number(255) : Number.NaN)
    const length = this.#skips(SLASH) ? this.#number(32) : Number.NaN
    // a prefix of no length asks nothing
    if (!(length > 0) || value % 2 ** (32 - length) !== 0) return undefined
    return { family: 4, value: BigInt(value), mask: prefixMask(4, length) }
  }

  #network6(): AddressMask | undefined {
    const slash = this.#text.indexOf('/', this.#at)
    if (slash < 0 || slash > this.#end) return undefined
    const address = this.#text.slice(this.#at, slash)
    this.#at = slash + 1
    const length = this.#number(128)
    const value = length > 0 ? readIpv6(address) : undefined
    const mask = prefixMask(6, length)
    if (value === undefined || (value & mask) !== value || printIpv6(value) !== address) return undefined
    return { family: 6, value, mask }
  }

  #protocol(): Term<number> | undefined {
    const start = this.#at + 1
    if (!this.#takes(' -p ')) return undefined
    const value = printedProtocol(this.#word())
    return value === undefined ? this.#fail() : { value, negated: false, span: this.#spanFrom(start) }
  }

  #portMatch(protocol: number): Match | undefined {
    const start = this.#at + 1
    const kind = protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : undefined
    if (!kind || !this.#takes(` -m ${kind}`)) return undefined
    const sourcePort = this.#ports(' --sport ')
    const destinationPort = this.#ports(' --dport ')
    const span = this.#spanFrom(start)
    if (sourcePort)
      return destinationPort ? { kind, sourcePort, destinationPort, span } : { kind, sourcePort, span }
    return destinationPort ? { kind, destinationPort, span } : { kind, span }
  }

  #ports(option: ' --sport ' | ' --dport '): Term<Range> | undefined {
    if (!this.#takes(option)) return undefined
    const low = this.#number(LAST_PORT)
    const isRange = this.#skips(COLON)
    const high = isRange ? this.#number(LAST_PORT) : low
    // all ports together ask nothing
    const isPrinted = isRange ? low < high && high - low < LAST_PORT : low >= 0
    return isPrinted ? { value: { low, high }, negated: false } : this.#fail()
  }

  #target(): Target | undefined {
    const start = this.#at + 1
    const goes = this.#takes(' -g ')
    if (!goes && !this.#takes(' -j ')) return undefined
    const name = this.#name()
    const span = this.#spanFrom(start)
    if (goes) return { kind: 'goto', chain: name, span }
    if (name === 'ACCEPT' || name === 'DROP' || name === 'RETURN') return { kind: name, span }
    return this.#names.get(name)?.chain && this.#isChain(name)
      ? { kind: 'jump', chain: name, span }
      : this.#fail()
  }

  #skips(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false
    this.#at++
    return true
  }

  /** A decimal number without zeros before it, up to `most`; else NaN. */
  #number(most: number): number {
    const start = this.#at
    let value = 0
    let code = this.#text.charCodeAt(start)
    while (code >= DIGIT_0 && code <= DIGIT_9 && value <= most) {
      value = value * 10 + code - DIGIT_0
      code = this.#text.charCodeAt(++this.#at)
    }
    const digits = this.#at - start
    const isPrinted = digits === 1 || (digits > 1 && this.#text.charCodeAt(start) !== DIGIT_0)
    return isPrinted && value <= most ? value : Number.NaN
  }
}
