import type { DstMatch, HbhMatch } from 'iptables-parser'
import type { Step } from '../test.ts'
import { headerWanted } from './extension.ts'
import { valueStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

export const hbh: MatchTranslator<HbhMatch> = match => optionHeader('hop-by-hop', match)
export const dst: MatchTranslator<DstMatch> = match => optionHeader('destination', match)

function optionHeader(kind: 'hop-by-hop' | 'destination', { length, options }: HbhMatch | DstMatch): Step[] {
  if (options) throw new Untranslatable('options of IPv6 extension headers are not translated')
  return [...headerWanted(kind), ...valueStep(`${kind}-length`, length)]
}
