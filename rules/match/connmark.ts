import { known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { isTracked } from '../packet.ts'
import { agrees, asTerm, bang, printTerm, type Term, term } from '../term.ts'
import { type MaskedMark, markMatches, parseMark, printMark } from '../value/mark.ts'

export interface ConnmarkMatch {
  readonly kind: 'connmark'
  readonly mark: Term<MaskedMark>
}

export const connmark = defineMatch<ConnmarkMatch>()({
  name: 'connmark',
  options: { mark: option(text => parseMark(text), { negatable: true, required: true }) },
  build: ({ mark }) => ({ kind: 'connmark', mark: asTerm(mark) ?? term({ value: 0, mask: 0 }) }),
  print: match => printTerm('mark', match.mark, printMark),
  list: match => ` connmark match ${bang(match.mark)} ${printMark(match.mark.value)}`,
  /** net/netfilter/xt_connmark.c: without a connection it never matches, negated or not. */
  evaluate: (match, { conntrack }) =>
    isTracked(conntrack) &&
    agrees(match.mark, mark => markMatches(mark, known(conntrack.mark, 'the mark of its connection'))),
})
