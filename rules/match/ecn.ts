import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import { type Packet, transportHeader, typeOfService } from '../packet.ts'
import { agrees, asTerm, bang, printTerm, type Term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

export interface EcnMatch {
  readonly kind: 'ecn'
  /** The TCP flags ECE and CWR are set. */
  readonly ece?: Term<true>
  readonly cwr?: Term<true>
  /** Code point in the IP header, 0 to 3. */
  readonly codePoint?: Term<number>
}

export const ecn = defineMatch<EcnMatch>()({
  name: 'ecn',
  options: {
    'ecn-tcp-cwr': flag({ negatable: true }),
    'ecn-tcp-ece': flag({ negatable: true }),
    'ecn-ip-ect': option(text => parseNumber(text, 0, maximum(2), 'ECN code point'), { negatable: true }),
  },
  requiresOneOf: ['ecn-tcp-cwr', 'ecn-tcp-ece', 'ecn-ip-ect'],
  build: given => ({
    kind: 'ecn',
    ...defined({
      ece: asTerm(given['ecn-tcp-ece']),
      cwr: asTerm(given['ecn-tcp-cwr']),
      codePoint: asTerm(given['ecn-ip-ect']),
    }),
  }),
  placementOf: ({ ece, cwr }) => (ece || cwr ? { protocols: [protocols.tcp] } : {}),
  print: match =>
    printBit('ecn-tcp-ece', match.ece) +
    printBit('ecn-tcp-cwr', match.cwr) +
    printTerm('ecn-ip-ect', match.codePoint, String),
  list: ({ ece, cwr, codePoint }) =>
    ' ECN match' +
    (ece ? ` ${bang(ece)}ECE` : '') +
    (cwr ? ` ${bang(cwr)}CWR` : '') +
    (codePoint ? ` ${bang(codePoint)}ECT=${codePoint.value}` : ''),
  evaluate,
})

const printBit = (name: string, bit: Term<true> | undefined): string =>
  bit ? `${bit.negated ? ' !' : ''} --${name}` : ''

const ECE = 0x40
const CWR = 0x80

/** net/netfilter/xt_ecn.c. Unlike most it lets a packet with too short a TCP header pass by, and reads later fragments as if they began with one. */
function evaluate(match: EcnMatch, packet: Packet): boolean {
  if (!agrees(match.codePoint, value => (typeOfService(packet) & 3) === value)) return false
  if (!match.ece && !match.cwr) return true
  const flags = transportHeader(packet, 20)?.getUint8(13)
  if (flags === undefined) return false
  return agrees(match.ece, () => (flags & ECE) !== 0) && agrees(match.cwr, () => (flags & CWR) !== 0)
}
