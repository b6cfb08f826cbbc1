import type { SctpMatch } from 'iptables-parser'
import { rangeStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const sctp: MatchTranslator<SctpMatch> = ({ sourcePort, destinationPort, chunks }) => {
  if (chunks)
    throw new Untranslatable('--chunk-types walks along a list that may be as long as the packet', {
      hint: 'match SCTP by its ports alone',
    })
  return [...wholeHeader, ...rangeStep('sport', sourcePort), ...rangeStep('dport', destinationPort)]
}
