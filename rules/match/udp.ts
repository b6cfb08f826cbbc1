import { defined } from '../defined.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { option } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, printTerm, type Term } from '../term.ts'
import { isIn, type Range } from '../value/number.ts'
import { listPortTerm, parseAnyPortRange, portTerm, printPortRange } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'

export interface UdpMatch {
  readonly kind: 'udp'
  readonly sourcePort?: Term<Range>
  readonly destinationPort?: Term<Range>
}

export const udp = defineMatch<UdpMatch>()({
  name: 'udp',
  aliases: ['udplite'],
  protocols: [protocols.udp, protocols.udplite],
  options: {
    'source-port': option(parseAnyPortRange, { aliases: ['sport'], negatable: true }),
    'destination-port': option(parseAnyPortRange, { aliases: ['dport'], negatable: true }),
  },
  build: given => ({
    kind: 'udp',
    ...defined({
      sourcePort: portTerm(given['source-port']),
      destinationPort: portTerm(given['destination-port']),
    }),
  }),
  print: match =>
    printTerm('sport', match.sourcePort, printPortRange) +
    printTerm('dport', match.destinationPort, printPortRange),
  list: (match, context) =>
    ` udp${listPortTerm('spt', match.sourcePort, context)}${listPortTerm('dpt', match.destinationPort, context)}`,
  evaluate,
})

/** net/netfilter/xt_tcpudp.c, udp_mt. */
function evaluate(match: UdpMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 8)
  if (!header) return 'hotdrop'
  return (
    agrees(match.sourcePort, range => isIn(header.getUint16(0), range)) &&
    agrees(match.destinationPort, range => isIn(header.getUint16(2), range))
  )
}
