import type { DevgroupMatch } from 'iptables-parser'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

export const devgroup: MatchTranslator<DevgroupMatch> = ({ source, destination }) => [
  ...maskStep('iif-group', source),
  ...maskStep('oif-group', destination),
]
