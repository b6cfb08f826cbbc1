import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { type MaskedMark, markMatches, parseMark, printMark } from '../value/mark.ts'

export interface MarkMatch {
  readonly kind: 'mark'
  readonly mark: Term<MaskedMark>
}

export const mark = defineMatch<MarkMatch>()({
  name: 'mark',
  options: { mark: option(text => parseMark(text), { negatable: true, required: true }) },
  build: given => ({ kind: 'mark', mark: asTerm(given.mark) ?? term({ value: 0, mask: 0 }) }),
  print: match => printTerm('mark', match.mark, printMark),
  list: match => ` mark match ${showTerm(match.mark, printMark, '! ')}`,
  evaluate: (match, packet) => agrees(match.mark, wanted => markMatches(wanted, packet.mark ?? 0)),
})
