import type { U32Match } from 'iptables-parser'
import { answerTest } from './answer.ts'
import type { MatchTranslator } from './translate.ts'

export const u32: MatchTranslator<U32Match> = ({ tests: { value, negated } }) => [
  answerTest({ kind: 'u32', tests: value }, negated),
]
