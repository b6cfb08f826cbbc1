import { RuleError } from '../error.ts'
import { EvaluationError, known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import { isTracked } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { cNumber, parseNumber } from '../value/number.ts'

export interface ConnlabelMatch {
  readonly kind: 'connlabel'
  /** Number of the bit the connection's labels must have. */
  readonly label: Term<number>
  /** The label is set on the connection first. */
  readonly set: boolean
}

const LAST_LABEL = 127

function parseLabel(text: string): number {
  if (cNumber(text) === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is not the number of a label`, {
      hint: 'names of /etc/xtables/connlabel.conf are not looked up: the rules would then depend on the machine',
    })
  return parseNumber(text, 0, LAST_LABEL, 'label')
}

export const connlabel = defineMatch<ConnlabelMatch>()({
  name: 'connlabel',
  options: {
    label: option(parseLabel, { negatable: true, required: true }),
    set: flag(),
  },
  build: ({ label, set }) => ({
    kind: 'connlabel',
    label: asTerm(label) ?? term(0),
    set: set !== undefined,
  }),
  print: match => printTerm('label', match.label, label => `"${label}"`) + (match.set ? ' --set' : ''),
  list: match => ` connlabel ${showTerm(match.label, String, '! ')}${match.set ? ' set' : ''}`,
  /** net/netfilter/xt_connlabel.c: without a connection only the negation matches. */
  evaluate({ label, set }, { conntrack }) {
    if (set) throw new EvaluationError('-m connlabel --set changes the connection')
    if (!isTracked(conntrack)) return label.negated
    return agrees(label, bit => known(conntrack.labels, 'the labels of its connection').includes(bit))
  },
})
