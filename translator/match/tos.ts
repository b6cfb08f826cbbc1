import type { DscpMatch, TosMatch } from 'iptables-parser'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

export const tos: MatchTranslator<TosMatch> = match => maskStep('tos', match.tos)

/** The upper six bits of the type of service. */
const DSCP = { shift: 2, mask: 0xfc } as const

export const dscp: MatchTranslator<DscpMatch> = match =>
  maskStep('tos', {
    value: { value: match.dscp.value << DSCP.shift, mask: DSCP.mask },
    negated: match.dscp.negated,
  })
