// Rules that were read from just what printRule makes of them. They are told by what they are, not by what they hold, so that a copy with something else in it is
// none of them; and they are kept in the order of their text, since a hundred thousand keys of a WeakMap take longer than all else that is read of their lines.

import type { Rule } from './rule.ts'
import type { Source } from './span.ts'

/** In files that do not go through one chain after the other, the next rule of a chain stands this near behind the last. */
const AHEAD = 8

/** Of one source. */
export class WrittenRules {
  readonly #rules: Rule[] = []
  /** Where in the source the text behind the chain begins. */
  readonly #beginnings: number[] = []
  /** Behind the rule that was asked for last: most are asked for in order, or nearly. */
  #next = 0

  /** The rule stands behind all that were added before. */
  add(rule: Rule, beginning: number): void {
    this.#rules.push(rule)
    this.#beginnings.push(beginning)
  }

  beginningOf(rule: Rule): number | undefined {
    const last = Math.min(this.#next + AHEAD, this.#rules.length)
    let at = this.#next
    while (at < last && this.#rules[at] !== rule) at++
    if (at === last) at = this.#find(rule)
    if (this.#rules[at] !== rule) return undefined
    this.#next = at + 1
    return this.#beginnings[at]
  }

  /** Where the rule is, if it is one of them: its text is the first that begins behind where it starts. */
  #find({ span }: Rule): number {
    const start = span?.start ?? Number.POSITIVE_INFINITY
    const beginnings = this.#beginnings
    let low = 0
    let high = beginnings.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((beginnings[middle] ?? 0) < start) low = middle + 1
      else high = middle
    }
    return low
  }
}

const sources = new WeakMap<Source, WrittenRules>()

export function writtenIn(source: Source): WrittenRules {
  const known = sources.get(source)
  if (known) return known
  const written = new WrittenRules()
  sources.set(source, written)
  return written
}

/** Where in its source the text behind a rule's chain begins, if what printRule makes of the rule is just that and it still is as it was read. */
export const writtenFrom = (rule: Rule): number | undefined =>
  rule.span && sources.get(rule.span.source)?.beginningOf(rule)

/** That text: for whoever does not write to rules. */
export function writtenRule(rule: Rule): string | undefined {
  const start = writtenFrom(rule)
  return start === undefined ? undefined : rule.span?.source.text.slice(start, rule.span.end)
}
