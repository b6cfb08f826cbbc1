import { defineMatch, type MatchResult } from '../extension.ts'
import { option } from '../option.ts'
import { type Packet, transportHeader } from '../packet.ts'
import { asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { isIn, maximum, type Range } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'
import { parseRange, printRange } from '../value/range.ts'

export interface TcpmssMatch {
  readonly kind: 'tcpmss'
  /** Of the maximum segment size option. */
  readonly mss: Term<Range>
}

const LAST = maximum(16)

export const tcpmss = defineMatch<TcpmssMatch>()({
  name: 'tcpmss',
  protocols: [protocols.tcp],
  options: { mss: option(text => parseRange(text, LAST, 'MSS'), { negatable: true, required: true }) },
  build: given => ({ kind: 'tcpmss', mss: asTerm(given.mss) ?? term({ low: 0, high: LAST }) }),
  print: match => printTerm('mss', match.mss, printRange),
  list: match => ` tcpmss match ${showTerm(match.mss, printRange)}`,
  evaluate,
})

const MSS = { kind: 2, length: 4 } as const

/** net/netfilter/xt_tcpmss.c: it does not ask whether there is a TCP header at all in a later fragment. Without the option only a negated range matches. */
function evaluate({ mss }: TcpmssMatch, packet: Packet): MatchResult {
  const fixed = transportHeader(packet, 20)
  const length = fixed ? (fixed.getUint8(12) >> 4) * 4 : 0
  const header = length < 20 ? undefined : transportHeader(packet, length)
  if (!header) return 'hotdrop'
  for (let at = 20; at < length; ) {
    const kind = header.getUint8(at)
    const size = kind < 2 || at + 1 === length ? 1 : header.getUint8(at + 1) || 1
    if (kind === MSS.kind && size === MSS.length && at + size <= length)
      return isIn(header.getUint16(at + 2), mss.value) !== mss.negated
    at += size
  }
  return mss.negated
}
