import type { UdpMatch } from 'iptables-parser'
import type { MatchTranslator } from './translate.ts'
import { portStep, wholeHeader } from './transport.ts'

export const udp: MatchTranslator<UdpMatch> = match => [
  ...wholeHeader,
  ...portStep('sport', match.sourcePort),
  ...portStep('dport', match.destinationPort),
]
