import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type ListContext, type MatchResult } from '../extension.ts'
import { option } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { isIn, parseNumber, type Range } from '../value/number.ts'
import { listPortTerm, parseAnyPortRange, portTerm, printPortRange } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'

/** RFC 4340 section 5.1, in the order of their numbers. INVALID are all from type 10 on, which mean nothing. */
const TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
  'INVALID',
] as const
export type DccpType = (typeof TYPES)[number]

export interface DccpMatch {
  readonly kind: 'dccp'
  /** As written, all ports too: iptables-save keeps what asks nothing here. */
  readonly sourcePort?: Term<Range>
  readonly destinationPort?: Term<Range>
  readonly types?: Term<readonly DccpType[]>
  /** An option of this number, 1 to 255, is present. */
  readonly option?: Term<number>
}

/** A list of type names, in any order and case; a comma too many does no harm. */
function parseTypes(text: string): DccpType[] {
  const words = text
    .toUpperCase()
    .split(',')
    .filter(word => word !== '')
  const unknown = words.find(word => !TYPES.some(type => type === word))
  if (unknown !== undefined || words.length === 0)
    throw new RuleError('ERR_VALUE', `"${unknown ?? ''}" is not a DCCP packet type`, {
      hint: `types are ${TYPES.join(', ')}`,
    })
  return TYPES.filter(type => words.includes(type))
}

const port = (alias: string) => option(parseAnyPortRange, { aliases: [alias], negatable: true })

export const dccp = defineMatch<DccpMatch>()({
  name: 'dccp',
  protocols: [protocols.dccp],
  options: {
    'source-port': port('sport'),
    'destination-port': port('dport'),
    'dccp-types': option(parseTypes, { negatable: true }),
    'dccp-option': option(text => parseNumber(text, 1, 255, 'DCCP option'), { negatable: true }),
  },
  build: given => ({
    kind: 'dccp',
    ...defined({
      sourcePort: asTerm(given['source-port']),
      destinationPort: asTerm(given['destination-port']),
      types: asTerm(given['dccp-types']),
      option: asTerm(given['dccp-option']),
    }),
  }),
  print: match =>
    printTerm('sport', match.sourcePort, printPortRange) +
    printTerm('dport', match.destinationPort, printPortRange) +
    printTerm('dccp-types', match.types, types => types.join(',')) +
    printTerm('dccp-option', match.option, String),
  list: (match, context) =>
    ' dccp' +
    listPortTerm('spt', portTerm(match.sourcePort), context) +
    listPortTerm('dpt', portTerm(match.destinationPort), context) +
    (match.types ? ` ${showTerm(match.types, types => listTypes(types, context), '! ')}` : '') +
    (match.option ? ` option=${showTerm(match.option)}` : ''),
  evaluate,
})

/** Under -n by number, INVALID by all that it stands for. */
const listTypes = (types: readonly DccpType[], { numeric }: ListContext): string =>
  numeric ? types.flatMap(numbersOf).join(',') : types.join(',')

const numbersOf = (type: DccpType): readonly number[] =>
  type === 'INVALID' ? [10, 11, 12, 13, 14, 15] : [TYPES.indexOf(type)]

const FIXED = 12

/**
 * net/netfilter/xt_dccp.c. The generic header (RFC 4340 section 5.1):
 *
 *     0..1 source port | 2..3 destination port | 4 data offset, in 4 bytes | 5..7 …
 *     8 reserved (3 bits), type (4), extended sequence numbers (1) | 9..11 …
 */
function evaluate(match: DccpMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, FIXED)
  if (!header) return 'hotdrop'
  if (!agrees(match.sourcePort, range => isIn(header.getUint16(0), range))) return false
  if (!agrees(match.destinationPort, range => isIn(header.getUint16(2), range))) return false
  const type = TYPES[typeOf(header)] ?? 'INVALID'
  if (!agrees(match.types, types => types.includes(type))) return false
  return match.option ? hasOption(match.option, packet, header) : true
}

const typeOf = (header: DataView): number => (header.getUint8(8) >> 1) & 15

function hasOption(wanted: Term<number>, packet: Packet, header: DataView): MatchResult {
  const start = optionsStart(header)
  const end = header.getUint8(4) * 4
  const malformed = wanted.negated ? 'counted hotdrop' : 'hotdrop'
  if (end < start) return malformed
  const whole = transportHeader(packet, end)
  // where there are no options, none is looked for, and a packet cut off before them passes by
  if (end === start) return wanted.negated
  if (!whole) return malformed
  for (let at = start; at < end; ) {
    const number = whole.getUint8(at)
    if (number === wanted.value) return !wanted.negated
    at += number < 2 || at + 1 === end ? 1 : whole.getUint8(at + 1) || 1
  }
  return wanted.negated
}

/** Bytes that a type adds to the generic header; RESET and unknown types add 12. */
const ADDED: Partial<Record<DccpType, number>> = {
  REQUEST: 4,
  DATA: 0,
  ACK: 8,
  DATAACK: 8,
  CLOSEREQ: 8,
  CLOSE: 8,
  SYNC: 8,
  SYNCACK: 8,
}

/** Where options begin: behind the generic header, the rest of a long sequence number, and what the type adds. */
function optionsStart(header: DataView): number {
  const type = TYPES[typeOf(header)]
  const extended = (header.getUint8(8) & 1) !== 0 ? 4 : 0
  return FIXED + extended + ((type && ADDED[type]) ?? 12)
}
