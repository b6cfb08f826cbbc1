import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import type { Family } from '../family.ts'
import { flag, option } from '../option.ts'
import type { Match } from '../registry.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

/** Lowers the maximum segment size that a TCP peer announces. */
export interface TcpmssTarget {
  readonly kind: 'TCPMSS'
  /** `pmtu`: what the routes both ways let through. */
  readonly mss: number | 'pmtu'
}

/** A packet's largest size, without the smallest header. */
const lastSize = (family: Family): number => maximum(16) - (family === 4 ? 20 : 40)
const SYN = 2

export const TCPMSS = defineTarget<TcpmssTarget>()({
  name: 'TCPMSS',
  protocols: [protocols.tcp],
  options: {
    'set-mss': option((text, { family }) => parseNumber(text, 0, lastSize(family), 'segment size')),
    'clamp-mss-to-pmtu': flag(),
  },
  requiresOneOf: ['set-mss', 'clamp-mss-to-pmtu'],
  build(given, { uses }) {
    // where both are given, the last counts
    const mss = uses.at(-1)?.name === 'set-mss' ? given['set-mss']?.value : 'pmtu'
    return { kind: 'TCPMSS', mss: mss ?? 'pmtu' }
  },
  checkMatches(matches) {
    if (!matches.some(asksForSyn))
      throw new RuleError('ERR_OPTION', 'TCPMSS needs a rule for SYN packets alone', {
        hint: 'give -p tcp --tcp-flags SYN,RST SYN',
      })
  },
  // where a packet comes in its route is not known yet
  placementOf: ({ mss }) => (mss === 'pmtu' ? { chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'] } : {}),
  print: ({ mss }) => (mss === 'pmtu' ? ' --clamp-mss-to-pmtu' : ` --set-mss ${mss}`),
  list: ({ mss }) => (mss === 'pmtu' ? ' TCPMSS clamp to PMTU' : ` TCPMSS set ${mss}`),
})

const asksForSyn = (match: Match): boolean =>
  match.kind === 'tcp' &&
  match.flags !== undefined &&
  !match.flags.negated &&
  (match.flags.value.set & SYN) !== 0
