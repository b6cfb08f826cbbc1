import { RuleError } from '../error.ts'
import type { MatchResult } from '../extension.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, bang, type Term } from '../term.ts'
import { parseNumber, type Range } from './number.ts'

/** An ICMP or ICMPv6 message type; `type` undefined is any, whatever the code beside it. */
export interface IcmpType {
  readonly type?: number
  /** Absent: every code. */
  readonly code?: number
}

/** Names to types; a name may be shortened as long as it stays clear, and its case does not matter. */
export type IcmpNames = Readonly<Record<string, IcmpType>>

export function parseIcmpType(text: string, names: IcmpNames): IcmpType {
  if (/^\d/.test(text)) return readNumbers(text)
  const lower = text.toLowerCase()
  const found = Object.keys(names).filter(name => name.toLowerCase().startsWith(lower))
  const exact = names[lower]
  if (exact) return exact
  const [name] = found
  if (name === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is not an ICMP type`, {
      hint: 'give a name, or the numbers type or type/code',
    })
  if (found.length > 1)
    throw new RuleError('ERR_VALUE', `the ICMP type "${text}" could be ${found.slice(0, 3).join(', ')}`)
  return names[name] ?? {}
}

function readNumbers(text: string): IcmpType {
  const [type = '', code, ...rest] = text.split('/')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not an ICMP type`, { hint: 'write type/code' })
  const value = parseNumber(type, 0, 255, 'ICMP type')
  return code === undefined ? { type: value } : { type: value, code: parseNumber(code, 0, 255, 'ICMP code') }
}

export function printIcmpType({ type, code }: IcmpType): string {
  if (type === undefined) return 'any'
  return code === undefined ? `${type}` : `${type}/${code}`
}

export const codeRange = ({ code }: IcmpType): Range =>
  code === undefined ? { low: 0, high: 255 } : { low: code, high: code }

const icmpTypeMatches = (wanted: IcmpType, type: number, code: number): boolean =>
  wanted.type === undefined || (wanted.type === type && (wanted.code === undefined || wanted.code === code))

/** ` icmp echo-request`, or in numbers ` icmptype 8 code 0`; `word` is icmp or ipv6-icmp. */
export function listIcmpType(
  word: string,
  given: Term<IcmpType>,
  names: IcmpNames,
  numeric: boolean,
): string {
  const { type, code } = given.value
  const name = Object.keys(names).find(one => names[one]?.type === type && names[one]?.code === code)
  if (!numeric && name !== undefined) return ` ${word} ${bang(given)}${name}`
  return ` ${word}${given.negated ? ' !' : ''}type ${type ?? 255}${code === undefined ? '' : ` code ${code}`}`
}

/** net/netfilter/xt_tcpudp.c, icmp_match and icmp6_match (net/ipv6/netfilter/ip6_tables.c before 6.4). */
export function icmpMatches(wanted: Term<IcmpType>, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 8)
  if (!header) return 'hotdrop'
  return agrees(wanted, type => icmpTypeMatches(type, header.getUint8(0), header.getUint8(1)))
}
