// IPv4 and IPv6 have a match ah each, alike in name only: in IPv4 the authentication header is the rule's protocol, in IPv6 it is
// an extension header before it, and there are options for the rest of it.

import { defined } from '../defined.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { flag, option } from '../option.ts'
import { findHeader } from '../packet/extension-header.ts'
import { extension } from '../packet/ipv6.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { maximum, parseNumber, type Range } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'
import { listRange } from '../value/range.ts'
import { printSpi, spiMatches, spiOption, spiTerm } from '../value/spi.ts'

export interface AhMatch {
  readonly kind: 'ah'
  readonly spi?: Term<Range>
  /** What only IPv6 can ask; absent in IPv4. */
  readonly header?: AhHeader
}

export interface AhHeader {
  /** Bytes of the header; 0, which only stands negated, asks nothing. */
  readonly length?: Term<number>
  /** Its reserved field is zero. */
  readonly reserved: boolean
}

export const ah = defineMatch<AhMatch>()({
  name: 'ah',
  options: {
    ahspi: spiOption(),
    ahlen: option(text => parseNumber(text, 0, maximum(32), 'length'), { negatable: true, families: [6] }),
    ahres: flag({ families: [6] }),
  },
  build({ ahspi, ahlen, ahres }, { family }) {
    const length = ahlen && (ahlen.value !== 0 || ahlen.negated) ? asTerm(ahlen) : undefined
    const header = family === 6 ? { ...defined({ length }), reserved: ahres !== undefined } : undefined
    return { kind: 'ah', ...spiTerm(ahspi), ...defined({ header }) }
  },
  placementOf: ({ header }) => (header ? {} : { protocols: [protocols.ah] }),
  print: ({ spi, header }) =>
    printSpi('ahspi', spi) +
    printTerm('ahlen', header?.length, String) +
    (header?.reserved ? ' --ahres' : ''),
  list: ({ spi, header }) =>
    ` ah ${listRange('spi', spi)}` +
    (header?.length ? `length:${showTerm(header.length)}` : '') +
    (header?.reserved ? ' reserved' : ''),
  evaluate: (match, packet) =>
    packet.family === 4 ? evaluateIpv4(match, packet) : evaluateIpv6(match, packet),
})

/** Bytes before the integrity check value (RFC 4302). */
const FIXED = 12

/** net/ipv4/netfilter/ipt_ah.c */
function evaluateIpv4(match: AhMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, FIXED)
  return header ? spiMatches(match.spi, header.getUint32(4)) : 'hotdrop'
}

/**
 * net/ipv6/netfilter/ip6t_ah.c. The header (RFC 4302):
 *
 *     0 next header | 1 length, in 4 bytes, less 2 | 2..3 reserved | 4..7 SPI | 8..11 sequence number
 */
function evaluateIpv6(match: AhMatch, packet: Packet): MatchResult {
  const at = findHeader(packet, extension.authentication)
  if (at === 'absent') return false
  if (at === 'cut off' || at + FIXED > packet.bytes.length) return 'hotdrop'
  const header = new DataView(packet.bytes.buffer, packet.bytes.byteOffset + at, FIXED)
  const length = (header.getUint8(1) + 2) * 4
  if (at + length > packet.bytes.length) return 'hotdrop'
  return (
    spiMatches(match.spi, header.getUint32(4)) &&
    lengthMatches(match.header?.length, length) &&
    !(match.header?.reserved && header.getUint16(2) !== 0)
  )
}

const lengthMatches = (wanted: Term<number> | undefined, length: number): boolean =>
  !wanted || wanted.value === 0 || (wanted.value === length) !== wanted.negated
