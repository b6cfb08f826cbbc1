import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { option } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, printTerm, showTerm, type Term } from '../term.ts'
import { cNumber, isIn, maximum, type Range } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'
import { printRange, rangeTerm } from '../value/range.ts'

export interface MhMatch {
  readonly kind: 'mh'
  /** Mobility header types. */
  readonly type?: Term<Range>
}

/** RFC 6275, under ip6tables' names; the place is the type. */
const NAMES = [
  ['binding-refresh-request', 'brr'],
  ['home-test-init', 'hoti'],
  ['careof-test-init', 'coti'],
  ['home-test', 'hot'],
  ['careof-test', 'cot'],
  ['binding-update', 'bu'],
  ['binding-acknowledgement', 'ba'],
  ['binding-error', 'be'],
] as const
const LAST = maximum(8)

/** A number, a name, or the beginning of one: then the lowest type whose name begins so. */
function parseType(text: string): number {
  const lower = text.toLowerCase()
  const named = (fits: (name: string) => boolean): number => NAMES.findIndex(names => names.some(fits))
  const exact = named(name => name === lower)
  const type = cNumber(text) ?? (exact >= 0 ? exact : named(name => name.startsWith(lower)))
  if (type < 0 || type > LAST)
    throw new RuleError('ERR_VALUE', `"${text}" is not a mobility header type`, {
      hint: `types are 0 to ${LAST} and ${NAMES.map(([name]) => name).join(', ')}`,
    })
  return type
}

function parseTypes(text: string): Range {
  const [from = '', to, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range`, { hint: 'write low:high' })
  if (to === undefined) return { low: parseType(from), high: parseType(from) }
  const range = { low: from === '' ? 0 : parseType(from), high: to === '' ? LAST : parseType(to) }
  if (range.low > range.high) throw new RuleError('ERR_VALUE', `the range ${text} ends before it begins`)
  return range
}

export const mh = defineMatch<MhMatch>()({
  name: 'mh',
  families: [6],
  protocols: [protocols.mh],
  options: { 'mh-type': option(parseTypes, { negatable: true }) },
  build: given => ({ kind: 'mh', ...defined({ type: rangeTerm(given['mh-type'], LAST) }) }),
  print: ({ type }) => printTerm('mh-type', type, printRange),
  list: ({ type }, { numeric }) =>
    ` mh${type ? ` ${showTerm(type, range => listTypes(range, numeric))}` : ''}`,
  evaluate,
})

function listTypes({ low, high }: Range, numeric: boolean): string {
  const name = (type: number): string => (numeric ? undefined : NAMES[type]?.[0]) ?? `${type}`
  return low === high ? name(low) : `${name(low)}:${name(high)}`
}

const NO_NEXT_HEADER = 59

/** net/ipv6/netfilter/ip6t_mh.c: a mobility header with another behind it is malformed. */
function evaluate(match: MhMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 6)
  if (!header || header.getUint8(0) !== NO_NEXT_HEADER) return 'hotdrop'
  return agrees(match.type, range => isIn(header.getUint8(2), range))
}
