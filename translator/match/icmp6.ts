import type { Icmp6Match } from 'iptables-parser'
import { typeSteps } from './icmp.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const icmp6: MatchTranslator<Icmp6Match> = match => [...wholeHeader, ...typeSteps(match.type)]
