import type { Family, Range, Term } from 'iptables-parser'
import type { FieldName } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { inclusive, single } from '../tree/interval.ts'

/** A number in a range, or not; a term not given asks nothing. */
export const rangeStep = (field: FieldName, asked: Term<Range> | undefined): Step[] =>
  asked ? [setTerm(field, ANY_FAMILY, inclusive(asked.value.low, asked.value.high), asked.negated)] : []

/** A number, or any other. */
export const valueStep = (field: FieldName, asked: Term<number> | undefined): Step[] =>
  asked ? [setTerm(field, ANY_FAMILY, single(asked.value), asked.negated)] : []

/** Only addresses are wider in one family than in the other. */
const ANY_FAMILY: Family = 4
