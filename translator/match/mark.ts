import type { MarkMatch } from 'iptables-parser'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

export const mark: MatchTranslator<MarkMatch> = match => maskStep('mark', match.mark)
