import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, printTerm, type Term, term } from '../term.ts'
import { parseBigNumber } from '../value/big-number.ts'

export interface QuotaMatch {
  readonly kind: 'quota'
  /** Bytes that may pass before it matches no more. */
  readonly quota: Term<bigint>
}

export const quota = defineMatch<QuotaMatch>()({
  name: 'quota',
  options: { quota: option(text => parseBigNumber(text, 'quota'), { negatable: true, required: true }) },
  build: given => ({ kind: 'quota', quota: asTerm(given.quota) ?? term(0n) }),
  print: match => printTerm('quota', match.quota, String),
  // whether it is negated is not shown
  list: match => ` quota: ${match.quota.value} bytes`,
})
