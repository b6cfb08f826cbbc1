import type { CpuMatch } from 'iptables-parser'
import { valueStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

export const cpu: MatchTranslator<CpuMatch> = match => valueStep('cpu', match.cpu)
