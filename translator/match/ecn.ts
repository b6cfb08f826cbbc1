import type { EcnMatch, Term } from 'iptables-parser'
import { ecnFlags } from '../field.ts'
import type { Step } from '../test.ts'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

/** The lower two bits of the type of service (RFC 3168). */
const CODE_POINT = 0x03

/** A packet without a TCP header passes by, also where the flags are asked not to be there; later fragments are read as if they had one (net/netfilter/xt_ecn.c). */
export const ecn: MatchTranslator<EcnMatch> = ({ codePoint, ece, cwr }) => [
  ...maskStep(
    'tos',
    codePoint && { value: { value: codePoint.value, mask: CODE_POINT }, negated: codePoint.negated },
  ),
  ...flagStep(ecnFlags.ECE, ece),
  ...flagStep(ecnFlags.CWR, cwr),
]

const flagStep = (flag: number, asked: Term<true> | undefined): Step[] =>
  asked
    ? maskStep('ecn-flags', {
        value: { value: ecnFlags.THERE | (asked.negated ? 0 : flag), mask: ecnFlags.THERE | flag },
        negated: false,
      })
    : []
