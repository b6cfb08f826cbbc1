import type { UdpMatch } from 'iptables-parser'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const udp: MatchTranslator<UdpMatch> = match => [
  ...wholeHeader,
  ...rangeStep('sport', match.sourcePort),
  ...rangeStep('dport', match.destinationPort),
]
