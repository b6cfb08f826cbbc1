import { RuleError } from '../error.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { flag, option } from '../option.ts'
import type { Packet } from '../packet.ts'
import { asTerm, printTerm, showTerm, type Term, term } from '../term.ts'

/** What may stand in a packet behind its IPv6 header, by number, in the order iptables-save prints it. 255 is the upper-layer protocol. */
const HEADERS = {
  'hop-by-hop': 0,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  ah: 51,
  esp: 50,
  'ipv6-nonxt': 59,
  protocol: 255,
} as const

export type Ipv6HeaderName = keyof typeof HEADERS
const NAMES = Object.keys(HEADERS) as Ipv6HeaderName[]

const ALIASES: Readonly<Record<string, Ipv6HeaderName>> = {
  hop: 'hop-by-hop',
  hopopt: 'hop-by-hop',
  ip: 'hop-by-hop',
  dst: 'ipv6-opts',
  route: 'ipv6-route',
  frag: 'ipv6-frag',
  auth: 'ah',
  none: 'ipv6-nonxt',
  prot: 'protocol',
}

export interface Ipv6headerMatch {
  readonly kind: 'ipv6header'
  readonly headers: Term<readonly Ipv6HeaderName[]>
  /** Other headers may be there as well. */
  readonly soft: boolean
}

function parseHeader(text: string): Ipv6HeaderName {
  const number = /^\d+$/.test(text) ? Number(text) : undefined
  const name = NAMES.find(known => known === text || HEADERS[known] === number) ?? ALIASES[text]
  if (!name)
    throw new RuleError('ERR_VALUE', `"${text}" is not an IPv6 extension header`, {
      hint: `headers are ${NAMES.join(', ')}`,
    })
  return name
}

function parseHeaders(text: string): Ipv6HeaderName[] {
  const given = text.split(',').map(parseHeader)
  return NAMES.filter(name => given.includes(name))
}

export const ipv6header = defineMatch<Ipv6headerMatch>()({
  name: 'ipv6header',
  families: [6],
  options: { header: option(parseHeaders, { negatable: true, required: true }), soft: flag() },
  build: given => ({
    kind: 'ipv6header',
    headers: asTerm(given.header) ?? term([]),
    soft: given.soft !== undefined,
  }),
  print: match =>
    printTerm('header', match.headers, names => names.join(',')) + (match.soft ? ' --soft' : ''),
  list: ({ headers, soft }, { numeric }) =>
    ` ipv6header flags:${showTerm(headers, names => (numeric ? listBits(names) : names.join(',')))}${soft ? ' soft' : ''}`,
  evaluate,
})

/** The kernel's bits, the first header's the highest (include/uapi/linux/netfilter_ipv6/ip6t_ipv6header.h). */
function listBits(names: readonly Ipv6HeaderName[]): string {
  const bits = names.reduce((sum, name) => sum | (0x80 >> NAMES.indexOf(name)), 0)
  return `0x${bits.toString(16).toUpperCase().padStart(2, '0')}`
}

/** net/ipv6/netfilter/ip6t_ipv6header.c. Softly, each header named must be there (negated: must be missing). */
function evaluate({ headers, soft }: Ipv6headerMatch, packet: Packet): MatchResult {
  const found = headersIn(packet)
  if (!found) return false
  if (soft) return headers.value.every(name => found.has(name) !== headers.negated)
  const same = found.size === headers.value.length && headers.value.every(name => found.has(name))
  return same !== headers.negated
}

/** Undefined where the packet ends inside of a header. Fragments are walked as if whole, as the kernel does. */
function headersIn({ bytes }: Packet): ReadonlySet<Ipv6HeaderName> | undefined {
  const found = new Set<Ipv6HeaderName>()
  let number = bytes[6] ?? 0
  for (let at = 40; at <= bytes.length; ) {
    const name = NAMES.find(known => HEADERS[known] === number && known !== 'protocol')
    if (!name) break
    if (name !== 'ipv6-nonxt' && at + 2 > bytes.length) return undefined
    found.add(name)
    if (name === 'ipv6-nonxt' || name === 'esp') return found
    number = bytes[at] ?? 0
    at += sizeOf(name, bytes[at + 1] ?? 0)
  }
  // a header that ends beyond the packet has none of these two behind it, whatever it says
  return number === HEADERS.esp || number === HEADERS['ipv6-nonxt'] ? found : found.add('protocol')
}

/** Bytes (RFC 8200, and RFC 4302 for ah). */
function sizeOf(name: Ipv6HeaderName, length: number): number {
  if (name === 'ipv6-frag') return 8
  return name === 'ah' ? (length + 2) * 4 : (length + 1) * 8
}
