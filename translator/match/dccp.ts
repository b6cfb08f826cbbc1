import type { DccpMatch, Term } from 'iptables-parser'
import { type Step, setTerm } from '../test.ts'
import { type IntervalSet, inclusive, normalise } from '../tree/interval.ts'
import { listSteps } from './answer.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const dccp: MatchTranslator<DccpMatch> = ({ sourcePort, destinationPort, types, option }) => [
  ...wholeHeader,
  ...rangeStep('sport', sourcePort),
  ...rangeStep('dport', destinationPort),
  ...typeStep(types),
  ...(option ? listSteps({ kind: 'dccp-option', option: option.value }, option.negated) : []),
]

/** Their numbers (RFC 4340 section 5.1). From 10 on they mean nothing. */
const TYPES = {
  REQUEST: 0,
  RESPONSE: 1,
  DATA: 2,
  ACK: 3,
  DATAACK: 4,
  CLOSEREQ: 5,
  CLOSE: 6,
  RESET: 7,
  SYNC: 8,
  SYNCACK: 9,
  INVALID: 10,
} as const
const LAST_TYPE = 15

const typeStep = (asked: Term<readonly (keyof typeof TYPES)[]> | undefined): Step[] =>
  asked ? [setTerm('dccp-type', 4, normalise(asked.value.flatMap(numbersOf)), asked.negated)] : []

const numbersOf = (type: keyof typeof TYPES): IntervalSet =>
  inclusive(TYPES[type], type === 'INVALID' ? LAST_TYPE : TYPES[type])
