import { defineMatch, type MatchResult } from '../extension.ts'
import { flag } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { asTerm, type Term, term } from '../term.ts'
import type { Range } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'
import { listRange, rangeTerm } from '../value/range.ts'
import { LAST_SPI, printSpi, spiMatches, spiOption } from '../value/spi.ts'

export interface IpcompMatch {
  readonly kind: 'ipcomp'
  /** Compression parameter index, of which 16 bits are in a packet. Where no option says otherwise, it is 0. */
  readonly spi: Term<Range>
  /** Printed, but no kernel has ever asked for it. */
  readonly reserved: boolean
}

export const ipcomp = defineMatch<IpcompMatch>()({
  name: 'ipcomp',
  protocols: [protocols.ipcomp],
  options: { ipcompspi: spiOption(), compres: flag() },
  build: ({ ipcompspi, compres }) => ({
    kind: 'ipcomp',
    spi: asTerm(ipcompspi) ?? term({ low: 0, high: 0 }),
    reserved: compres !== undefined,
  }),
  print: match => printSpi('ipcompspi', match.spi) + (match.reserved ? ' --compres' : ''),
  list: ({ spi, reserved }) =>
    ` comp ${listRange('spi', rangeTerm(spi, LAST_SPI))}${reserved ? ' reserved' : ''}`,
  evaluate,
})

/** net/netfilter/xt_ipcomp.c; next header, flags and CPI (RFC 3173). */
function evaluate(match: IpcompMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 4)
  return header ? spiMatches(match.spi, header.getUint16(2)) : 'hotdrop'
}
