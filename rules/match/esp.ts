import { defineMatch, type MatchResult } from '../extension.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import type { Term } from '../term.ts'
import type { Range } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'
import { listRange } from '../value/range.ts'
import { printSpi, spiMatches, spiOption, spiTerm } from '../value/spi.ts'

export interface EspMatch {
  readonly kind: 'esp'
  readonly spi?: Term<Range>
}

export const esp = defineMatch<EspMatch>()({
  name: 'esp',
  protocols: [protocols.esp],
  options: { espspi: spiOption() },
  build: ({ espspi }) => ({ kind: 'esp', ...spiTerm(espspi) }),
  print: match => printSpi('espspi', match.spi),
  list: match => ` esp${match.spi ? ` ${listRange('spi', match.spi)}` : ''}`,
  evaluate,
})

/** net/netfilter/xt_esp.c; the header is SPI and sequence number (RFC 4303). */
function evaluate(match: EspMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 8)
  return header ? spiMatches(match.spi, header.getUint32(0)) : 'hotdrop'
}
