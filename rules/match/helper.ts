import { RuleError } from '../error.ts'
import { known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { isTracked } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { quote, utf8Length } from '../value/quote.ts'

export interface HelperMatch {
  readonly kind: 'helper'
  /** Name of the conntrack helper that expected the packet's connection; '' is any. */
  readonly helper: Term<string>
}

/** Of the kernel's field, with its NUL. */
const SIZE = 30

function parseHelper(text: string): string {
  if (utf8Length(text) >= SIZE)
    throw new RuleError('ERR_VALUE', `the helper name "${text}" is too long`, {
      hint: `at most ${SIZE - 1} bytes; iptables would silently cut it`,
    })
  return text
}

export const helper = defineMatch<HelperMatch>()({
  name: 'helper',
  options: { helper: option(parseHelper, { negatable: true, required: true }) },
  build: given => ({ kind: 'helper', helper: asTerm(given.helper) ?? term('') }),
  print: match => printTerm('helper', match.helper, quote),
  list: match => ` helper match ${showTerm(match.helper, name => `"${name}"`, '! ')}`,
  /** net/netfilter/xt_helper.c: a name matches each helper whose own name it begins with. */
  evaluate(match, { conntrack }) {
    const actual = isTracked(conntrack) ? known(conntrack.helper, 'which helper expected its connection') : ''
    return agrees(match.helper, name => actual !== '' && (name === '' || name.startsWith(actual)))
  },
})
