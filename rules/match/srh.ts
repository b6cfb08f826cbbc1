import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { findHeader } from '../packet/extension-header.ts'
import { extension } from '../packet/ipv6.ts'
import type { Packet } from '../packet.ts'
import { agrees, asTerm, bang, printTerm, showTerm, type Term } from '../term.ts'
import {
  type AddressPrefix,
  parseAddressPrefix,
  prefixMatches,
  printWholePrefix,
} from '../value/address-prefix.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** How a number must compare to another. */
export interface SrhComparison {
  readonly operator: 'eq' | 'gt' | 'lt'
  readonly value: number
}

/** What the segment routing header (RFC 8754) of an IPv6 packet must be; it must have one. */
export interface SrhMatch {
  readonly kind: 'srh'
  readonly nextHeader?: Term<number>
  /** In 8 bytes, without the first 8. */
  readonly headerLength?: Term<SrhComparison>
  readonly segmentsLeft?: Term<SrhComparison>
  readonly lastEntry?: Term<SrhComparison>
  readonly tag?: Term<number>
  /** The segment before, at, and behind the one the packet goes to: previous, next, and last of the list. */
  readonly previousSegment?: Term<AddressPrefix>
  readonly nextSegment?: Term<AddressPrefix>
  readonly lastSegment?: Term<AddressPrefix>
}

const number = (what: string, bits: number) =>
  option(text => parseNumber(text, 0, maximum(bits), what), { negatable: true })

/** The kernel holds one number for all three comparisons of a field; iptables takes several, and the last one's number wins. */
const compare = (field: string, operator: SrhComparison['operator'], what: string) =>
  option((text): SrhComparison => ({ operator, value: parseNumber(text, 0, maximum(8), what) }), {
    negatable: true,
    excludes: ['eq', 'gt', 'lt'].filter(other => other !== operator).map(other => `${field}-${other}`),
  })

const segment = option(text => parseAddressPrefix(text, 6), { negatable: true })

export const srh = defineMatch<SrhMatch>()({
  name: 'srh',
  families: [6],
  options: {
    'srh-next-hdr': number('protocol', 8),
    'srh-hdr-len-eq': compare('srh-hdr-len', 'eq', 'header length'),
    'srh-hdr-len-gt': compare('srh-hdr-len', 'gt', 'header length'),
    'srh-hdr-len-lt': compare('srh-hdr-len', 'lt', 'header length'),
    'srh-segs-left-eq': compare('srh-segs-left', 'eq', 'number of segments'),
    'srh-segs-left-gt': compare('srh-segs-left', 'gt', 'number of segments'),
    'srh-segs-left-lt': compare('srh-segs-left', 'lt', 'number of segments'),
    'srh-last-entry-eq': compare('srh-last-entry', 'eq', 'entry'),
    'srh-last-entry-gt': compare('srh-last-entry', 'gt', 'entry'),
    'srh-last-entry-lt': compare('srh-last-entry', 'lt', 'entry'),
    'srh-tag': number('tag', 16),
    'srh-psid': segment,
    'srh-nsid': segment,
    'srh-lsid': segment,
  },
  build: given => ({
    kind: 'srh',
    ...defined({
      nextHeader: asTerm(given['srh-next-hdr']),
      headerLength: asTerm(given['srh-hdr-len-eq'] ?? given['srh-hdr-len-gt'] ?? given['srh-hdr-len-lt']),
      segmentsLeft: asTerm(
        given['srh-segs-left-eq'] ?? given['srh-segs-left-gt'] ?? given['srh-segs-left-lt'],
      ),
      lastEntry: asTerm(
        given['srh-last-entry-eq'] ?? given['srh-last-entry-gt'] ?? given['srh-last-entry-lt'],
      ),
      tag: asTerm(given['srh-tag']),
      previousSegment: asTerm(given['srh-psid']),
      nextSegment: asTerm(given['srh-nsid']),
      lastSegment: asTerm(given['srh-lsid']),
    }),
  }),
  print: match =>
    printTerm('srh-next-hdr', match.nextHeader, String) +
    printComparison('srh-hdr-len', match.headerLength) +
    printComparison('srh-segs-left', match.segmentsLeft) +
    printComparison('srh-last-entry', match.lastEntry) +
    printTerm('srh-tag', match.tag, String) +
    printTerm('srh-psid', match.previousSegment, printWholePrefix) +
    printTerm('srh-nsid', match.nextSegment, printWholePrefix) +
    printTerm('srh-lsid', match.lastSegment, printWholePrefix),
  list: match =>
    ' srh' +
    listNumber('next-hdr', match.nextHeader) +
    listComparison('hdr-len', match.headerLength) +
    listComparison('segs-left', match.segmentsLeft) +
    listComparison('last-entry', match.lastEntry) +
    listNumber('tag', match.tag) +
    listSegment('psid', match.previousSegment) +
    listSegment('nsid', match.nextSegment) +
    listSegment('lsid', match.lastSegment),
  evaluate,
})

const listNumber = (name: string, given: Term<number> | undefined): string =>
  given ? ` ${name}:${showTerm(given)}` : ''

const listComparison = (field: string, given: Term<SrhComparison> | undefined): string =>
  given ? ` ${field}-${given.value.operator}:${bang(given)}${given.value.value}` : ''

const listSegment = (name: string, given: Term<AddressPrefix> | undefined): string =>
  given ? ` ${name} ${bang(given)} ${printWholePrefix(given.value)}` : ''

const printComparison = (field: string, term: Term<SrhComparison> | undefined): string =>
  term ? printTerm(`${field}-${term.value.operator}`, term, ({ value }) => String(value)) : ''

/** iptables and the kernel forget to swap the tag: on x86 and arm64 `--srh-tag 256` matches what is tag 1 on the wire. */
const LITTLE_ENDIAN = true

/** Linux knows the segment routing header as this type. */
const SEGMENT_ROUTING = 4

/**
 * net/ipv6/netfilter/ip6t_srh.c. A header that does not fit is none, and drops nothing:
 *
 *     0 next header | 1 length | 2 type | 3 segments left | 4 last entry | 5 flags | 6..7 tag | 8.. segments, the last first
 */
function evaluate(match: SrhMatch, packet: Packet): boolean {
  const at = findHeader(packet, extension.routing)
  if (typeof at !== 'number' || at + 8 > packet.bytes.length) return false
  const length = ((packet.bytes[at + 1] ?? 0) + 1) * 8
  if (at + length > packet.bytes.length) return false
  const header = new DataView(packet.bytes.buffer, packet.bytes.byteOffset + at, length)
  if (header.getUint8(2) !== SEGMENT_ROUTING || header.getUint8(3) > header.getUint8(4)) return false
  return (
    agrees(match.nextHeader, protocol => protocol === header.getUint8(0)) &&
    agrees(match.headerLength, wanted => compares(wanted, header.getUint8(1))) &&
    agrees(match.segmentsLeft, wanted => compares(wanted, header.getUint8(3))) &&
    agrees(match.lastEntry, wanted => compares(wanted, header.getUint8(4))) &&
    agrees(match.tag, tag => tag === header.getUint16(6, LITTLE_ENDIAN)) &&
    segmentsMatch(match, packet, at)
  )
}

function compares({ operator, value }: SrhComparison, actual: number): boolean {
  if (operator === 'gt') return actual > value
  return operator === 'lt' ? actual < value : actual === value
}

/** Asking for the previous segment at the first, or the next one at the last, matches nothing, not even negated. */
function segmentsMatch(match: SrhMatch, { bytes }: Packet, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const left = view.getUint8(at + 3)
  const isThere = (index: number, wanted: Term<AddressPrefix> | undefined): boolean => {
    if (!wanted) return true
    const place = at + 8 + index * 16
    if (index < 0 || place + 16 > bytes.length) return false
    const address = (view.getBigUint64(place) << 64n) | view.getBigUint64(place + 8)
    return agrees(wanted, prefix => prefixMatches(prefix, address))
  }
  return (
    (left !== view.getUint8(at + 4) || !match.previousSegment) &&
    isThere(left + 1, match.previousSegment) &&
    isThere(left - 1, match.nextSegment) &&
    isThere(0, match.lastSegment)
  )
}
