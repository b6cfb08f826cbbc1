// Matches and targets by their words: rule files say the same few things again and again. What the reader of all arguments made of words is what it would
// make of them once more in a rule of the same protocol and table, and in the same chain where that is a base chain: an extension is told nothing else (extension.ts).

import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import { printMatch, printTarget } from './print.ts'
import { type Match, type Target, targetExtension } from './registry.ts'
import type { Rule } from './rule.ts'
import { isBaseChain } from './ruleset.ts'
import type { Span } from './span.ts'

/** So many may be learnt before any is met again. */
const AHEAD = 256

/** By text, with a blank before it. */
interface Texts {
  readonly matches: Map<string, Match>
  readonly targets: Map<string, Target>
}

/** Of one table of a file. */
export class Learnt {
  readonly #table: TableName
  readonly #family: Family
  /** By base chain, or for all others. */
  readonly #places = new Map<string | undefined, Map<number | undefined, Texts>>()
  /** How many more may be learnt. */
  #left = AHEAD

  constructor(table: TableName, family: Family) {
    this.#table = table
    this.#family = family
  }

  match(chain: string, protocol: number | undefined, text: string, span: Span): Match | undefined {
    const known = this.#known(chain, protocol)?.matches.get(text)
    if (!known) return undefined
    this.#left++
    return { ...known, span }
  }

  target(chain: string, protocol: number | undefined, text: string, span: Span): Target | undefined {
    const known = this.#known(chain, protocol)?.targets.get(text)
    if (!known) return undefined
    this.#left++
    return { ...known, span }
  }

  #known(chain: string, protocol: number | undefined): Texts | undefined {
    return this.#places.get(isBaseChain(this.#table, chain) ? chain : undefined)?.get(protocol)
  }

  /** From a rule that was read from a line and is in order. */
  learn(chain: string, rule: Rule): void {
    if (this.#left <= 0 || rule.protocol?.negated) return
    const texts = this.#textsOf(chain, rule.protocol?.value)
    for (const match of rule.matches) this.#learnMatch(match, texts)
    if (rule.target && rule.target.span?.end === rule.span?.end) this.#learnTarget(rule.target, texts)
  }

  #textsOf(chain: string, protocol: number | undefined): Texts {
    const place = isBaseChain(this.#table, chain) ? chain : undefined
    const protocols = this.#places.get(place) ?? new Map<number | undefined, Texts>()
    const texts = protocols.get(protocol) ?? { matches: new Map(), targets: new Map() }
    this.#places.set(place, protocols.set(protocol, texts))
    return texts
  }

  #learnMatch(match: Match, { matches }: Texts): void {
    if (match.kind === 'unknown') return
    const text = printMatch(match, this.#family)
    if (matches.has(text) || !isPrintedAs(match.span, text)) return
    matches.set(text, match)
    this.#left--
  }

  #learnTarget(target: Target, { targets }: Texts): void {
    if ('chain' in target || target.kind === 'unknown' || targetExtension(target).checkMatches) return
    const text = printTarget(target, this.#family)
    if (targets.has(text) || !isPrintedAs(target.span, text)) return
    targets.set(text, target)
    this.#left--
  }
}

const isPrintedAs = (span: Span | undefined, text: string): boolean =>
  span !== undefined &&
  span.end - span.start === text.length - 1 &&
  span.source.text.startsWith(text, span.start - 1)
