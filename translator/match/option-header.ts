import type { DstMatch, HbhMatch } from 'iptables-parser'
import type { Step } from '../test.ts'
import { answerTest } from './answer.ts'
import { headerWanted } from './extension.ts'
import { valueStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

export const hbh: MatchTranslator<HbhMatch> = match => optionHeader('hop-by-hop', match)
export const dst: MatchTranslator<DstMatch> = match => optionHeader('destination', match)

const optionHeader = (
  header: 'hop-by-hop' | 'destination',
  { length, options }: HbhMatch | DstMatch,
): Step[] => [
  ...headerWanted(header),
  ...valueStep(`${header}-length`, length),
  ...(options ? [answerTest({ kind: 'options', header, options })] : []),
]
