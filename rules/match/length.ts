import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import type { Packet } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { isIn, maximum, type Range } from '../value/number.ts'
import { parseRange, printRange } from '../value/range.ts'

export interface LengthMatch {
  readonly kind: 'length'
  /** Bytes from the network header on. */
  readonly length: Term<Range>
}

const LAST = maximum(16)

export const length = defineMatch<LengthMatch>()({
  name: 'length',
  options: {
    length: option(text => parseRange(text, LAST, 'length'), { negatable: true, required: true }),
  },
  build: given => ({ kind: 'length', length: asTerm(given.length) ?? term({ low: 0, high: LAST }) }),
  print: match => printTerm('length', match.length, printRange),
  list: match => ` length ${showTerm(match.length, printRange)}`,
  evaluate: (match, packet) => agrees(match.length, range => isIn(lengthOf(packet), range)),
})

/** In IPv4 as the header says it, in IPv6 as the packet is (net/netfilter/xt_length.c, since 6.3). */
function lengthOf({ family, bytes }: Packet): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return family === 4 ? view.getUint16(2) : bytes.length
}
