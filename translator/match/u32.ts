import type { U32Match } from 'iptables-parser'
import { answers, questionField } from '../question.ts'
import { setTerm } from '../test.ts'
import { single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const u32: MatchTranslator<U32Match> = ({ tests: { value, negated } }, { family }) => [
  setTerm(questionField({ kind: 'u32', tests: value }), family, single(answers.yes), negated),
]
