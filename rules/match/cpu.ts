import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'

export interface CpuMatch {
  readonly kind: 'cpu'
  /** Number of the CPU that handles the packet, from 0. */
  readonly cpu: Term<number>
}

export const cpu = defineMatch<CpuMatch>()({
  name: 'cpu',
  options: {
    cpu: option(text => parseNumber(text, 0, maximum(32), 'CPU'), { negatable: true, required: true }),
  },
  build: given => ({ kind: 'cpu', cpu: asTerm(given.cpu) ?? term(0) }),
  print: match => printTerm('cpu', match.cpu, String),
  list: match => ` cpu ${showTerm(match.cpu, String, '! ')}`,
})
