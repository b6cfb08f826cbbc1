import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { flag, option, pair } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, asTerm, bang, printTerm, type Term } from '../term.ts'
import { isIn, parseNumber, type Range } from '../value/number.ts'
import { listPortTerm, parsePortRange, portTerm, printPortRange } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'

/** Of the bits in `mask` exactly those in `set` are on; bit 0 is FIN, bit 5 URG. */
export interface TcpFlags {
  readonly mask: number
  readonly set: number
}

export interface TcpMatch {
  readonly kind: 'tcp'
  readonly sourcePort?: Term<Range>
  readonly destinationPort?: Term<Range>
  readonly flags?: Term<TcpFlags>
  /** A TCP option kind, 1 to 255, is present. */
  readonly option?: Term<number>
}

const FLAGS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 }
const SYN_ONLY: TcpFlags = { mask: 0x17, set: 0x02 }

function parseFlags(text: string): number {
  if (text === 'ALL') return 0x3f
  if (text === 'NONE') return 0
  return text.split(',').reduce((bits, name) => {
    const bit = FLAGS[name.toUpperCase()]
    if (bit === undefined)
      throw new RuleError('ERR_VALUE', `"${name}" is not a TCP flag`, {
        hint: 'flags are SYN ACK FIN RST URG PSH, ALL and NONE',
      })
    return bits | bit
  }, 0)
}

function printFlags(bits: number): string {
  const names = Object.keys(FLAGS).filter(name => bits & (FLAGS[name] ?? 0))
  return names.length === 0 ? 'NONE' : names.join(',')
}

function listFlags({ mask, set }: TcpFlags, numeric: boolean): string {
  const hex = (bits: number): string => `0x${bits.toString(16).toUpperCase().padStart(2, '0')}`
  return numeric ? `${hex(mask)}/${hex(set)}` : `${printFlags(mask)}/${printFlags(set)}`
}

const options = {
  'source-port': option(parsePortRange, { aliases: ['sport'], negatable: true }),
  'destination-port': option(parsePortRange, { aliases: ['dport'], negatable: true }),
  'tcp-flags': pair((mask, set): TcpFlags => ({ mask: parseFlags(mask), set: parseFlags(set) }), {
    negatable: true,
    excludes: ['syn'],
  }),
  syn: flag({ negatable: true }),
  'tcp-option': option(text => parseNumber(text, 1, 255, 'TCP option'), { negatable: true }),
}

export const tcp = defineMatch<TcpMatch>()({
  name: 'tcp',
  protocols: [protocols.tcp],
  options,
  build(given) {
    const flags = given.syn ? { value: SYN_ONLY, negated: given.syn.negated } : asTerm(given['tcp-flags'])
    const terms = {
      sourcePort: portTerm(given['source-port']),
      destinationPort: portTerm(given['destination-port']),
      flags,
      option: asTerm(given['tcp-option']),
    }
    return { kind: 'tcp', ...defined(terms) }
  },
  print: match =>
    printTerm('sport', match.sourcePort, printPortRange) +
    printTerm('dport', match.destinationPort, printPortRange) +
    printTerm('tcp-option', match.option, String) +
    printTerm('tcp-flags', match.flags, ({ mask, set }) => `${printFlags(mask)} ${printFlags(set)}`),
  list: (match, context) =>
    ` tcp${listPortTerm('spt', match.sourcePort, context)}${listPortTerm('dpt', match.destinationPort, context)}` +
    (match.option ? ` option=${bang(match.option)}${match.option.value}` : '') +
    (match.flags ? ` flags:${bang(match.flags)}${listFlags(match.flags.value, context.numeric)}` : ''),
  evaluate,
})

/** net/netfilter/xt_tcpudp.c, tcp_mt. */
function evaluate(match: TcpMatch, packet: Packet): MatchResult {
  const { fragmentOffset } = headersOf(packet)
  // a fragment that begins 8 bytes into the header can only be meant to overwrite the flags
  if (fragmentOffset !== 0) return packet.family === 4 && fragmentOffset === 8 ? 'hotdrop' : false
  const header = transportHeader(packet, 20)
  if (!header) return 'hotdrop'
  if (!agrees(match.sourcePort, range => isIn(header.getUint16(0), range))) return false
  if (!agrees(match.destinationPort, range => isIn(header.getUint16(2), range))) return false
  if (!agrees(match.flags, ({ mask, set }) => (header.getUint8(13) & mask) === set)) return false
  return match.option ? hasOption(match.option, packet, header) : true
}

function hasOption(wanted: Term<number>, packet: Packet, header: DataView): MatchResult {
  const length = (header.getUint8(12) >> 4) * 4
  if (length < 20) return 'hotdrop'
  const whole = transportHeader(packet, length)
  if (!whole) return 'hotdrop'
  for (let at = 20; at < length; ) {
    const kind = whole.getUint8(at)
    if (kind === wanted.value) return !wanted.negated
    at += kind < 2 || at + 1 === length ? 1 : whole.getUint8(at + 1) || 1
  }
  return wanted.negated
}
