import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { flag, type OptionUse, option } from '../option.ts'
import { findHeader } from '../packet/extension-header.ts'
import { extension } from '../packet/ipv6.ts'
import type { Packet } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { parseAddress, printAddress } from '../value/address.ts'
import { isIn, maximum, parseNumber, type Range } from '../value/number.ts'
import { listRange, parseRange, printRange, rangeTerm } from '../value/range.ts'

/** What the routing header of an IPv6 packet must be; it must have one. */
export interface RtMatch {
  readonly kind: 'rt'
  readonly type?: Term<number>
  readonly segmentsLeft?: Term<Range>
  /** Bytes of the whole header. */
  readonly length?: Term<number>
  /** Its reserved field is zero; of type 0 only. */
  readonly reserved: boolean
  /** The addresses it lists, in this order; of type 0 only. */
  readonly addresses?: readonly bigint[]
  /** Other addresses may stand between them. */
  readonly notStrict: boolean
}

const LAST = maximum(32)
/** IP6T_RT_HOPS. */
const MOST_ADDRESSES = 16

const number = (what: string) => option(text => parseNumber(text, 0, LAST, what), { negatable: true })

function parseAddresses(text: string): bigint[] {
  const words = text.split(',')
  if (words.length > MOST_ADDRESSES)
    throw new RuleError('ERR_VALUE', `${words.length} addresses are too many`, {
      hint: `at most ${MOST_ADDRESSES}`,
    })
  return words.map(word => parseAddress(word, 6))
}

export const rt = defineMatch<RtMatch>()({
  name: 'rt',
  families: [6],
  options: {
    'rt-type': number('routing type'),
    'rt-segsleft': option(text => parseRange(text, LAST, 'number of segments'), { negatable: true }),
    'rt-len': number('length'),
    'rt-0-res': flag(),
    'rt-0-addrs': option(parseAddresses),
    'rt-0-not-strict': flag(),
  },
  build(given, { uses }) {
    checkOrder(uses)
    return {
      kind: 'rt',
      ...defined({
        type: asTerm(given['rt-type']),
        segmentsLeft: rangeTerm(given['rt-segsleft'], LAST),
        length: asTerm(given['rt-len']),
        addresses: given['rt-0-addrs']?.value,
      }),
      reserved: given['rt-0-res'] !== undefined,
      notStrict: given['rt-0-not-strict'] !== undefined,
    }
  },
  print: match =>
    printTerm('rt-type', match.type, String) +
    printTerm('rt-segsleft', match.segmentsLeft, printRange) +
    printTerm('rt-len', match.length, String) +
    (match.reserved ? ' --rt-0-res' : '') +
    (match.addresses ? ` --rt-0-addrs ${printAddresses(match.addresses)}` : '') +
    (match.notStrict ? ' --rt-0-not-strict' : ''),
  list: match =>
    ' rt' +
    (match.type ? ` type:${showTerm(match.type)}` : '') +
    (match.segmentsLeft ? ` ${listRange('segsleft', match.segmentsLeft)}` : '') +
    (match.length ? ` length:${showTerm(match.length)}` : '') +
    (match.reserved ? ' reserved' : '') +
    (match.addresses ? ` 0-addrs ${printAddresses(match.addresses)}` : '') +
    (match.notStrict ? ' 0-not-strict' : ''),
  evaluate,
})

const printAddresses = (addresses: readonly bigint[]): string =>
  addresses.map(address => printAddress(6, address)).join(',')

/** What is about type 0 must follow the option that says so. */
function checkOrder(uses: readonly OptionUse[]): void {
  for (const [index, use] of uses.entries()) {
    const before = uses.slice(0, index)
    const typeZero = before.some(other => other.name === 'rt-type' && other.value === 0 && !other.negated)
    if (use.name === 'rt-0-not-strict' && !before.some(other => other.name === 'rt-0-addrs'))
      throw new RuleError('ERR_OPTION', '--rt-0-addrs must stand before --rt-0-not-strict', use)
    if (use.name.startsWith('rt-0-') && !typeZero)
      throw new RuleError('ERR_OPTION', `--rt-type 0 must stand before --${use.name}`, use)
  }
}

/**
 * net/ipv6/netfilter/ip6t_rt.c. The routing header (RFC 8200 section 4.4):
 *
 *     0 next header | 1 length | 2 type | 3 segments left | 4..7 reserved | 8.. addresses, 16 bytes each
 */
function evaluate(match: RtMatch, packet: Packet): MatchResult {
  const at = findHeader(packet, extension.routing)
  if (at === 'absent') return false
  if (at === 'cut off') return 'hotdrop'
  const { bytes } = packet
  const length = ((bytes[at + 1] ?? 0) + 1) * 8
  if (at + length > bytes.length) return 'hotdrop'
  const header = new DataView(bytes.buffer, bytes.byteOffset + at, length)
  return (
    agrees(match.segmentsLeft, range => isIn(header.getUint8(3), range)) &&
    agrees(match.length, wanted => wanted === length) &&
    agrees(match.type, type => type === header.getUint8(2)) &&
    (!match.reserved || header.getUint32(4) === 0) &&
    (!match.addresses || addressesMatch(match.addresses, match.notStrict, addressesIn(header)))
  )
}

const addressesIn = (header: DataView): bigint[] =>
  Array.from({ length: Math.floor((header.byteLength - 8) / 16) }, (_, index) => {
    const at = 8 + index * 16
    return (header.getBigUint64(at) << 64n) | header.getBigUint64(at + 8)
  })

function addressesMatch(wanted: readonly bigint[], notStrict: boolean, actual: readonly bigint[]): boolean {
  if (!notStrict)
    return wanted.length === actual.length && wanted.every((address, index) => address === actual[index])
  let found = 0
  for (const address of actual) if (found < wanted.length && address === wanted[found]) found++
  return found === wanted.length
}
