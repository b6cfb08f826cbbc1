import type { TcpMatch } from 'iptables-parser'
import type { Step } from '../test.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'
import { portStep, wholeTcpHeader } from './transport.ts'

export const tcp: MatchTranslator<TcpMatch> = match => {
  if (match.option) throw new Untranslatable('--tcp-option looks into a list of variable length')
  const flags: Step[] = match.flags
    ? [
        {
          kind: 'mask',
          field: 'tcp-flags',
          ...match.flags.value,
          value: match.flags.value.set,
          negated: match.flags.negated,
        },
      ]
    : []
  return [
    ...wholeTcpHeader,
    ...portStep('sport', match.sourcePort),
    ...portStep('dport', match.destinationPort),
    ...flags,
  ]
}
