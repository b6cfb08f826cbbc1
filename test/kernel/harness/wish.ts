import {
  type AddressMask,
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
import type { Sketch } from './sketch.ts'

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

/** By kind of match; of what is not here, no packet is made to meet it. */
const matchWishes = (match: Match, family: Family): readonly Wish[] => {
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
    case 'multiport':
      return [portsWish(portFields[match.side], match.ports.value, match.ports.negated)]
    case 'icmp':
    case 'icmp6':
      return icmpWishes(match.type)
    case 'conntrack':
    case 'state':
      return stateWishes(match.states, family)
    default:
      return []
  }
}

/** All that a rule asks. */
export const wishesOf = (rule: Rule, { family, devices }: Setting): readonly Wish[] => [
  ...deviceWishes('inDevice', rule.inInterface, devices),
  ...deviceWishes('outDevice', rule.outInterface, devices),
  ...addressWishes('source', rule.source),
  ...addressWishes('destination', rule.destination),
  ...protocolWishes(rule.protocol, family),
  ...forTerm(rule.fragment, (_, negated) => ({
    edits: [{ fragment: true }, { fragment: false }],
    met: sketch => sketch.fragment !== negated,
  })),
  ...rule.matches.flatMap(match => matchWishes(match, family)),
]
