import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import type { Packet } from '../packet.ts'
import { asTerm, bang, type Term, term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import {
  findPattern,
  listPattern,
  type Pattern,
  parseHexPattern,
  parsePattern,
  printPattern,
} from '../value/pattern.ts'
import { parseWord } from '../value/word.ts'

export interface StringMatch {
  readonly kind: 'string'
  readonly pattern: Term<Pattern>
  /** How to look for it: Boyer-Moore or Knuth-Morris-Pratt. */
  readonly algorithm: 'bm' | 'kmp'
  /** Bytes from the network header on between which all of the pattern must lie; `to` is exclusive. */
  readonly from?: number
  readonly to?: number
  readonly ignoreCase: boolean
}

const LAST = maximum(16)

const offset = option(text => parseNumber(text, 0, LAST, 'offset'))

export const string = defineMatch<StringMatch>()({
  name: 'string',
  options: {
    string: option(parsePattern, { negatable: true, excludes: ['hex-string'] }),
    'hex-string': option(parseHexPattern, { negatable: true, excludes: ['string'] }),
    algo: option(text => parseWord(text, ['bm', 'kmp'], 'algorithm'), { required: true }),
    from: offset,
    to: offset,
    icase: flag(),
  },
  requiresOneOf: ['string', 'hex-string'],
  build(given) {
    const [from = 0, to = LAST] = [given.from?.value, given.to?.value]
    if (from > to) throw new RuleError('ERR_VALUE', '--from lies behind --to', given.from ?? given.to)
    return {
      kind: 'string',
      pattern: asTerm(given.string ?? given['hex-string']) ?? term([]),
      algorithm: given.algo?.value ?? 'bm',
      ...defined({ from: from === 0 ? undefined : from, to: to === LAST ? undefined : to }),
      ignoreCase: given.icase !== undefined,
    }
  },
  print: match =>
    `${match.pattern.negated ? ' !' : ''} ${printPattern(match.pattern.value)} --algo ${match.algorithm}` +
    (match.from === undefined ? '' : ` --from ${match.from}`) +
    (match.to === undefined ? '' : ` --to ${match.to}`) +
    (match.ignoreCase ? ' --icase' : ''),
  list: match =>
    ` STRING match ${bang(match.pattern)} ${listPattern(match.pattern.value)} ALGO name ${match.algorithm}` +
    (match.from === undefined ? '' : ` FROM ${match.from}`) +
    (match.to === undefined ? '' : ` TO ${match.to}`) +
    (match.ignoreCase ? ' ICASE' : ''),
  evaluate,
})

/** skb_find_text in net/core/skbuff.c: the first place counts, and all of the pattern must lie before `to`. */
function evaluate({ pattern, from = 0, to = LAST, ignoreCase }: StringMatch, { bytes }: Packet): boolean {
  const at = findPattern(bytes, pattern.value, from, ignoreCase)
  return (at >= 0 && at + pattern.value.length <= to) !== pattern.negated
}
