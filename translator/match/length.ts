import type { LengthMatch } from 'iptables-parser'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

export const length: MatchTranslator<LengthMatch> = match => rangeStep('length', match.length)
