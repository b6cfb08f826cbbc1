// Options of the IPv6 hop-by-hop and destination headers (RFC 8200 section 4.2), which the matches hbh and dst ask for.

import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import type { MatchResult } from '../extension.ts'
import { option } from '../option.ts'
import { findHeader } from '../packet/extension-header.ts'
import type { Packet } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { maximum, parseNumber } from './number.ts'

export interface HeaderOption {
  readonly type: number
  /** Bytes of its data; any unless given. */
  readonly length?: number
}

export interface OptionHeader {
  /** Bytes of the whole header. */
  readonly length?: Term<number>
  /** The options it begins with, in this order. */
  readonly options?: readonly HeaderOption[]
}

/** IP6T_OPTS_OPTSNR */
const MOST_OPTIONS = 16
const ANY_LENGTH = maximum(8)
const PAD1 = 0

export const headerLength = option(text => parseNumber(text, 0, maximum(32), 'length'), { negatable: true })

/** `type`, `type:length`, separated by commas. */
export const headerOptions = option((text): readonly HeaderOption[] => {
  const words = text.split(',')
  if (words.length > MOST_OPTIONS)
    throw new RuleError('ERR_VALUE', `${words.length} options are too many`, {
      hint: `at most ${MOST_OPTIONS}`,
    })
  return words.map(parseOption)
})

function parseOption(text: string): HeaderOption {
  const [type = '', length, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not an option`, { hint: 'write type:length' })
  const number = parseNumber(type, 0, maximum(8), 'type of option')
  if (length === undefined) return { type: number }
  if (number === PAD1) throw new RuleError('ERR_VALUE', 'option 0 (Pad1) has no length')
  const bytes = parseNumber(length, 0, maximum(8), 'length')
  // a length of 255 is how iptables tells the kernel that any will do
  return { type: number, ...defined({ length: bytes === ANY_LENGTH ? undefined : bytes }) }
}

/** The fields of a match from its two options. */
export const optionHeader = (
  length: Term<number> | undefined,
  options: { readonly value: readonly HeaderOption[] } | undefined,
): OptionHeader => defined({ length: asTerm(length), options: options?.value })

export const printOptionHeader = (name: string, { length, options }: OptionHeader): string =>
  printTerm(`${name}-len`, length, String) +
  (options ? ` --${name}-opts ${options.map(printOption).join(',')}` : '')

export const listOptionHeader = (name: string, { length, options }: OptionHeader): string =>
  ` ${name}` +
  (length ? ` length:${showTerm(length)}` : '') +
  (options ? ` opts ${options.map(printOption).join(',')}` : '')

const printOption = ({ type, length }: HeaderOption): string =>
  length === undefined ? `${type}` : `${type}:${length}`

/** net/ipv6/netfilter/ip6t_hbh.c, which is both matches: the first header of that number is looked at. */
export function optionHeaderMatches(match: OptionHeader, packet: Packet, number: number): MatchResult {
  const at = findHeader(packet, number)
  if (at === 'absent') return false
  if (at === 'cut off') return 'hotdrop'
  const length = ((packet.bytes[at + 1] ?? 0) + 1) * 8
  if (at + length > packet.bytes.length) return 'hotdrop'
  return (
    agrees(match.length, wanted => wanted === length) &&
    (!match.options || beginsWith(match.options, packet.bytes.subarray(at + 2, at + length)))
  )
}

/** Whether a header's options begin with those wanted. One that ends beyond the header counts only as the last wanted. */
function beginsWith(wanted: readonly HeaderOption[], bytes: Uint8Array): boolean {
  let at = 0
  for (const { type, length } of wanted) {
    if (at >= bytes.length || bytes[at] !== type) return false
    if (type === PAD1) at += 1
    else {
      const actual = bytes[at + 1]
      if (actual === undefined || (length !== undefined && length !== actual)) return false
      at += 2 + actual
    }
  }
  return true
}
