import {
  type AddressMask,
  type AddressType,
  addressMatches,
  type Family,
  fullMask,
  type InterfacePattern,
  interfaceMatches,
  type Match,
  type Range,
  type Rule,
  type Term,
} from 'iptables-parser'
import { addressTypeOf, typicalAddresses } from './address-type.ts'
import { extensionChains } from './extension.ts'
import { chunkLists } from './list-match.ts'
import { markAt, markingTos } from './marking.ts'
import { isFramed, type Sketch, ttlAt } from './sketch.ts'
import { groupOf } from './topology.ts'

/** A change to a sketch. */
export type Edit = Partial<Sketch>

/** One thing a rule asks of a packet. */
export interface Wish {
  /** Changes that just meet it, and changes that just do not. */
  readonly edits: readonly Edit[]
  readonly met: (sketch: Sketch) => boolean
}

/** What wishes are made for. */
export interface Setting {
  readonly family: Family
  readonly devices: readonly string[]
}

/** None for a term that is not given. */
const forTerm = <T>(
  term: Term<T> | undefined,
  make: (value: T, negated: boolean) => Wish,
): readonly Wish[] => (term === undefined ? [] : [make(term.value, term.negated)])

const isIn = (value: number, { low, high }: Range): boolean => value >= low && value <= high

const rangeEdges = ({ low, high }: Range, largest: number): readonly number[] =>
  [low, high, Math.floor((low + high) / 2), low - 1, high + 1].filter(edge => edge >= 0 && edge <= largest)

/** The first and last address, one between them, and the two outside; a mask with holes is taken for its bounds. */
const addressEdges = ({ family, value, mask }: AddressMask): readonly bigint[] => {
  const last = value | (fullMask(family) ^ mask)
  const within = value + (last - value) / 2n
  return [value, last, within, value - 1n, last + 1n].filter(edge => edge >= 0n && edge <= fullMask(family))
}

const addressWishes = (field: 'source' | 'destination', term: Term<AddressMask> | undefined) =>
  forTerm(term, (mask, negated) => ({
    edits: addressEdges(mask).map(edge => ({ [field]: edge })),
    met: sketch => addressMatches(mask, sketch[field]) !== negated,
  }))

const deviceWishes = (
  field: 'inDevice' | 'outDevice',
  term: Term<InterfacePattern> | undefined,
  devices: readonly string[],
) =>
  forTerm(term, (pattern, negated) => ({
    edits: devices.map(device => ({ [field]: device })),
    met: sketch => interfaceMatches(pattern, sketch[field]) !== negated,
  }))

type PortField = 'sport' | 'dport'

/** Of one of the fields a port in one of the ranges. */
const portsWish = (portFields: readonly PortField[], ranges: readonly Range[], negated: boolean): Wish => ({
  edits: portFields.flatMap(field =>
    ranges.flatMap(range => rangeEdges(range, 0xffff)).map(port => ({ [field]: port })),
  ),
  met: sketch => portFields.some(field => ranges.some(range => isIn(sketch[field], range))) !== negated,
})

const portWishes = (field: PortField, term: Term<Range> | undefined) =>
  forTerm(term, (range, negated) => portsWish([field], [range], negated))

const portFields = { sports: ['sport'], dports: ['dport'], ports: ['sport', 'dport'] } as const

/** Protocols that rules often tell apart, to change to from another. */
const commonProtocols = { 4: [6, 17, 1], 6: [6, 17, 58] } as const

const protocolWishes = (term: Term<number> | undefined, family: Family) =>
  forTerm(term, (protocol, negated) => ({
    edits: [protocol, ...commonProtocols[family]].map(value => ({ protocol: value })),
    met: sketch => (sketch.protocol === protocol) !== negated,
  }))

const flagBits = [0, 1, 2, 3, 4, 5] as const

const flagsWishes = (term: Term<{ readonly mask: number; readonly set: number }> | undefined) =>
  forTerm(term, ({ mask, set }, negated) => ({
    edits: [set, set | (0x3f & ~mask), ...flagBits.map(bit => set ^ (1 << bit))].map(bits => ({
      tcpFlags: bits,
    })),
    met: sketch => ((sketch.tcpFlags & mask) === set) !== negated,
  }))

const optionWishes = (term: Term<number> | undefined) =>
  forTerm(term, (kind, negated) => ({
    edits: [{ tcpOption: kind }, { tcpOption: 0 }],
    met: sketch => (sketch.tcpOption === kind) !== negated,
  }))

const icmpWishes = (term: Term<{ readonly type?: number; readonly code?: number }>) =>
  forTerm(term, ({ type, code }, negated) => ({
    edits: [
      ...rangeEdges({ low: type ?? 8, high: type ?? 8 }, 255).map(icmpType => ({
        icmpType,
        icmpCode: code ?? 0,
      })),
      ...rangeEdges({ low: code ?? 0, high: code ?? 0 }, 255).map(icmpCode => ({
        icmpType: type ?? 8,
        icmpCode,
      })),
    ],
    met: ({ icmpType, icmpCode }) =>
      ((type ?? icmpType) === icmpType && (code ?? icmpCode) === icmpCode) !== negated,
  }))

const rst = 4

/** Together with what makes conntrack see the state: errors are RELATED, and a reset out of nowhere is INVALID. */
const stateEdits = (family: Family): readonly Edit[] => [
  { state: 'NEW' },
  { state: 'ESTABLISHED' },
  family === 4
    ? { state: 'RELATED', protocol: 1, icmpType: 3, icmpCode: 3 }
    : { state: 'RELATED', protocol: 58, icmpType: 1, icmpCode: 4 },
  { state: 'INVALID', protocol: 6, tcpFlags: rst },
]

const stateWishes = (term: Term<readonly string[]> | undefined, family: Family) =>
  forTerm(term, (states, negated) => ({
    edits: stateEdits(family),
    met: sketch => states.includes(sketch.state) !== negated,
  }))

type NumberField = 'payload' | 'ttl' | 'tos' | 'spi' | 'dccpType'

/** A number in a range, of a field that holds it or of one it is computed from. */
const rangeWishes = (
  field: NumberField,
  term: Term<Range> | undefined,
  {
    largest,
    of = sketch => sketch[field],
    from = value => value,
  }: {
    readonly largest: number
    readonly of?: (sketch: Sketch) => number
    readonly from?: (value: number) => number
  },
) =>
  forTerm(term, (range, negated) => ({
    edits: rangeEdges(range, largest).map(value => ({ [field]: Math.max(0, from(value)) })),
    met: sketch => isIn(of(sketch), range) !== negated,
  }))

const maskWishes = (
  term: Term<{ readonly value: number; readonly mask: number }> | undefined,
  edits: readonly Edit[],
  of: (sketch: Sketch) => number,
) =>
  forTerm(term, ({ value, mask }, negated) => ({
    edits,
    met: sketch => ((of(sketch) & mask) >>> 0 === value) !== negated,
  }))

const tosEdits = (values: readonly number[]): readonly Edit[] => values.map(value => ({ tos: value & 0xff }))

const tosOf = ({ tos }: Sketch): number => tos

/** Bytes before the payload, of what rules that ask for the length mostly meet. */
const headerBytes = (family: Family, protocol: number): number =>
  (family === 4 ? 20 : 40) + (protocol === 6 ? 20 : 8)

const rangeOf = <T>(term: Term<T> | undefined, value: (of: T) => number): Term<Range> | undefined =>
  term && { negated: term.negated, value: { low: value(term.value), high: value(term.value) } }

const hopRange = ({ comparison, value }: Extract<Match, { kind: 'ttl' | 'hl' }>): Term<Range> => {
  if (comparison === 'lt') return { negated: false, value: { low: 0, high: value - 1 } }
  if (comparison === 'gt') return { negated: false, value: { low: value + 1, high: 255 } }
  return { negated: comparison === 'ne', value: { low: value, high: value } }
}

const flagWishes = (term: Term<true> | undefined, bit: number) =>
  forTerm(term, (_, negated) => ({
    edits: [{ tcpFlags: 2 | bit }, { tcpFlags: 2 }, { tcpFlags: 0xc2 }],
    met: ({ tcpFlags }) => ((tcpFlags & bit) !== 0) !== negated,
  }))

const addressRangeWishes = (
  field: 'source' | 'destination',
  term: Term<{ readonly low: bigint; readonly high: bigint }> | undefined,
) =>
  forTerm(term, ({ low, high }, negated) => ({
    edits: [low, high, (low + high) / 2n, low - 1n, high + 1n]
      .filter(edge => edge >= 0n)
      .map(edge => ({ [field]: edge })),
    met: sketch => (sketch[field] >= low && sketch[field] <= high) !== negated,
  }))

const spiWishes = (term: Term<Range> | undefined, largest: number) =>
  rangeWishes('spi', term, { largest, of: ({ spi }) => spi % (largest + 1) })

const otherMac = '02:00:00:00:00:77'

const macText = (mac: number): string => (mac.toString(16).padStart(12, '0').match(/../g) ?? []).join(':')

const mssWishes = (term: Term<Range>) =>
  forTerm(term, (range, negated) => ({
    edits: [...rangeEdges(range, 0xffff).map(mss => ({ mss })), { tcpOption: 2 }],
    met: ({ mss }) => (mss !== undefined && isIn(mss, range)) !== negated,
  }))

/** The types add 0 to 12 bytes to the header; some of these then end in it, and some go on behind the packet. */
const optionLists: readonly Edit[] = [2, 4, 6, 8, 9, 255].flatMap(dccpOffset =>
  ['0000000000000000000000002003000102020000', '20030001ff02000021ff0020', '', '01'.repeat(1007)].map(
    list => ({ dccpOffset, list }),
  ),
)

const dccpTypes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15] as const

const groupWishes = (
  field: 'inDevice' | 'outDevice',
  term: Term<{ readonly value: number; readonly mask: number }> | undefined,
  devices: readonly string[],
) =>
  maskWishes(
    term,
    devices.map(device => ({ [field]: device })),
    sketch => groupOf(sketch[field]),
  )

/** A connection that the packet begins goes the way of the packet; the others have their ends by turns. */
const connectionWishes = (match: Extract<Match, { kind: 'conntrack' }>, family: Family): readonly Wish[] => [
  ...stateWishes(match.states, family),
  ...forTerm(match.direction && { value: match.direction, negated: false }, direction => ({
    edits: [{ state: 'ESTABLISHED' }, { state: 'NEW' }],
    met: ({ state }) => direction === 'ORIGINAL' || state === 'ESTABLISHED',
  })),
  ...prefixWishes('source', match.originalSource),
  ...prefixWishes('destination', match.originalDestination),
  ...prefixWishes('destination', match.replySource),
  ...prefixWishes('source', match.replyDestination),
  ...protocolWishes(match.protocol, family),
  ...portWishes('sport', match.originalSourcePort),
  ...portWishes('dport', match.originalDestinationPort),
  ...portWishes('dport', match.replySourcePort),
  ...portWishes('sport', match.replyDestinationPort),
  ...forTerm(match.status, () => ({
    edits: [{ state: 'ESTABLISHED' }, { state: 'NEW' }],
    met: () => true,
  })),
]

const prefixWishes = (
  field: 'source' | 'destination',
  term: Term<{ readonly family: Family; readonly address: bigint; readonly length: number }> | undefined,
) =>
  forTerm(term, ({ family, address, length }, negated) => {
    const free = BigInt((family === 4 ? 32 : 128) - length)
    const low = (address >> free) << free
    const high = low + (1n << free) - 1n
    return {
      edits: [low, high, low - 1n, high + 1n].filter(edge => edge >= 0n).map(edge => ({ [field]: edge })),
      met: sketch => (sketch[field] >> free === address >> free) !== negated,
    }
  })

/** In IPv6 only addresses by themselves can be asked for, of which most are UNICAST. */
const addressTypeWishes = (
  field: 'source' | 'destination',
  term: Term<readonly AddressType[]> | undefined,
  limit: 'in' | 'out' | undefined,
  { family, devices }: Setting,
): readonly Wish[] => {
  const deviceOf = (sketch: Sketch): string | undefined => limit && sketch[`${limit}Device`]
  const others = devices.filter(device => device !== 'lo')
  return family === 6
    ? []
    : forTerm(term, (types, negated) => ({
        edits: typicalAddresses(others).map(address => ({ [field]: address })),
        met: sketch => types.includes(addressTypeOf(others, sketch[field], deviceOf(sketch))) !== negated,
      }))
}

/** Which of them meets a match is left to the reference evaluator. */
const extensionWish: Wish = {
  edits: [...extensionChains.map(extensions => ({ extensions })), { extensions: [] }],
  met: () => true,
}

/** By kind of match; of what is not here, no packet is made to meet it. */
const matchWishes = (match: Match, setting: Setting): readonly Wish[] => {
  const { family, devices } = setting
  switch (match.kind) {
    case 'tcp':
      return [
        ...portWishes('sport', match.sourcePort),
        ...portWishes('dport', match.destinationPort),
        ...flagsWishes(match.flags),
        ...optionWishes(match.option),
      ]
    case 'udp':
      return [...portWishes('sport', match.sourcePort), ...portWishes('dport', match.destinationPort)]
    case 'sctp':
      return [
        ...portWishes('sport', match.sourcePort),
        ...portWishes('dport', match.destinationPort),
        ...forTerm(match.chunks, () => ({ edits: chunkLists.map(list => ({ list })), met: () => true })),
      ]
    case 'dccp':
      return [
        ...portWishes('sport', match.sourcePort),
        ...portWishes('dport', match.destinationPort),
        ...forTerm(match.types, () => ({
          edits: dccpTypes.map(dccpType => ({ dccpType })),
          met: () => true,
        })),
        ...forTerm(match.option, () => ({ edits: optionLists, met: () => true })),
      ]
    case 'multiport':
      return [portsWish(portFields[match.side], match.ports.value, match.ports.negated)]
    case 'icmp':
    case 'icmp6':
      return icmpWishes(match.type)
    case 'conntrack':
      return connectionWishes(match, family)
    case 'state':
      return stateWishes(match.states, family)
    case 'iprange':
      return [
        ...addressRangeWishes('source', match.source),
        ...addressRangeWishes('destination', match.destination),
      ]
    case 'mark':
      return maskWishes(match.mark, tosEdits(markingTos), markAt)
    case 'connmark':
      return maskWishes(match.mark, tosEdits(markingTos), () => match.mark.value.value)
    case 'length':
      return rangeWishes('payload', match.length, {
        largest: 1400,
        of: ({ protocol, payload }) => headerBytes(family, protocol) + payload,
        from: length => length - headerBytes(family, 17),
      })
    case 'ttl':
    case 'hl':
      return rangeWishes('ttl', hopRange(match), { largest: 255, of: ttlAt })
    case 'tos':
      return maskWishes(
        match.tos,
        tosEdits([match.tos.value.value, match.tos.value.value | ~match.tos.value.mask, 0, 0xff]),
        tosOf,
      )
    case 'dscp':
      return rangeWishes(
        'tos',
        rangeOf(match.dscp, value => value),
        {
          largest: 0x3f,
          of: ({ tos }) => tos >> 2,
          from: dscp => dscp << 2,
        },
      )
    case 'ecn':
      return [
        ...flagWishes(match.ece, 0x40),
        ...flagWishes(match.cwr, 0x80),
        ...maskWishes(
          match.codePoint && {
            negated: match.codePoint.negated,
            value: { value: match.codePoint.value, mask: 3 },
          },
          tosEdits([0, 1, 2, 3]),
          tosOf,
        ),
      ]
    case 'pkttype':
      return [
        {
          edits: [{ cast: 'unicast' }, { cast: 'broadcast' }, { cast: 'multicast' }],
          met: sketch => (sketch.cast === match.type.value) !== match.type.negated,
        },
      ]
    case 'mac':
      return forTerm(match.source, (mac, negated) => ({
        edits: [{ mac: macText(mac) }, { mac: otherMac }],
        met: sketch => isFramed(sketch) && (sketch.mac === macText(mac)) !== negated,
      }))
    case 'esp':
      return spiWishes(match.spi, 0xffff_ffff)
    case 'ah':
      return family === 6 ? [extensionWish] : spiWishes(match.spi, 0xffff_ffff)
    case 'rt':
    case 'frag':
    case 'hbh':
    case 'dst':
    case 'ipv6header':
      return [extensionWish]
    case 'ipcomp':
      return spiWishes(match.spi, 0xffff)
    case 'tcpmss':
      return mssWishes(match.mss)
    case 'addrtype':
      return [
        ...addressTypeWishes('source', match.source, match.limit, setting),
        ...addressTypeWishes('destination', match.destination, match.limit, setting),
      ]
    case 'devgroup':
      return [
        ...groupWishes('inDevice', match.source, devices),
        ...groupWishes('outDevice', match.destination, devices),
      ]
    default:
      return []
  }
}

/** All that a rule asks. */
export const wishesOf = (rule: Rule, setting: Setting): readonly Wish[] => [
  ...deviceWishes('inDevice', rule.inInterface, setting.devices),
  ...deviceWishes('outDevice', rule.outInterface, setting.devices),
  ...addressWishes('source', rule.source),
  ...addressWishes('destination', rule.destination),
  ...protocolWishes(rule.protocol, setting.family),
  ...forTerm(rule.fragment, (_, negated) => ({
    edits: [{ fragment: true }, { fragment: false }],
    met: sketch => sketch.fragment !== negated,
  })),
  ...rule.matches.flatMap(match => matchWishes(match, setting)),
]
