import { defined } from '../defined.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { flag, option } from '../option.ts'
import { findHeader } from '../packet/extension-header.ts'
import { extension } from '../packet/ipv6.ts'
import type { Packet } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { isIn, maximum, parseNumber, type Range } from '../value/number.ts'
import { listRange, parseRange, printRange, rangeTerm } from '../value/range.ts'

/** What the fragment header of an IPv6 packet must be; it must have one. */
export interface FragMatch {
  readonly kind: 'frag'
  readonly id?: Term<Range>
  /** Kept and printed, but the kernel does not ask it: a fragment header always has 8 bytes. */
  readonly length?: Term<number>
  /** Its reserved fields are zero. */
  readonly reserved: boolean
  /** It is the first fragment. */
  readonly first: boolean
  /** More fragments follow, or none does. */
  readonly position?: 'more' | 'last'
}

const LAST_ID = maximum(32)

export const frag = defineMatch<FragMatch>()({
  name: 'frag',
  families: [6],
  options: {
    fragid: option(text => parseRange(text, LAST_ID, 'fragment id'), { negatable: true }),
    fraglen: option(text => parseNumber(text, 0, maximum(32), 'length'), { negatable: true }),
    fragres: flag(),
    fragfirst: flag(),
    fragmore: flag({ excludes: ['fraglast'] }),
    fraglast: flag({ excludes: ['fragmore'] }),
  },
  build(given) {
    const position: FragMatch['position'] = given.fragmore ? 'more' : given.fraglast && 'last'
    return {
      kind: 'frag',
      ...defined({ id: rangeTerm(given.fragid, LAST_ID), length: asTerm(given.fraglen), position }),
      reserved: given.fragres !== undefined,
      first: given.fragfirst !== undefined,
    }
  },
  print: match =>
    printTerm('fragid', match.id, printRange) +
    printTerm('fraglen', match.length, String) +
    (match.reserved ? ' --fragres' : '') +
    (match.first ? ' --fragfirst' : '') +
    (match.position ? ` --frag${match.position}` : ''),
  list: match =>
    ` frag ${listRange('id', match.id)}` +
    (match.length ? ` length:${showTerm(match.length)}` : '') +
    (match.reserved ? ' reserved' : '') +
    (match.first ? ' first' : '') +
    (match.position ? ` ${match.position}` : ''),
  evaluate,
})

const SIZE = 8
const MORE_FRAGMENTS = 1

/**
 * net/ipv6/netfilter/ip6t_frag.c. The header (RFC 8200 section 4.5):
 *
 *     0 next header | 1 reserved | 2..3 offset in 8 bytes (13 bits), reserved (2), more (1) | 4..7 id
 */
function evaluate(match: FragMatch, packet: Packet): MatchResult {
  const at = findHeader(packet, extension.fragment)
  if (at === 'absent') return false
  if (at === 'cut off' || at + SIZE > packet.bytes.length) return 'hotdrop'
  const header = new DataView(packet.bytes.buffer, packet.bytes.byteOffset + at, SIZE)
  const offset = header.getUint16(2)
  const more = (offset & MORE_FRAGMENTS) !== 0
  return (
    agrees(match.id, range => isIn(header.getUint32(4), range)) &&
    !(match.reserved && (header.getUint8(1) !== 0 || (offset & 6) !== 0)) &&
    !(match.first && offset >> 3 !== 0) &&
    (match.position === undefined || (match.position === 'more') === more)
  )
}
