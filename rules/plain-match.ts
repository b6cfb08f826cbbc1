// Matches in the one spelling that iptables-save has for them, of the kinds that rarely come twice with the same words.

import { FROM_HERE } from './device-place.ts'
import type { LineCursor } from './line-cursor.ts'
import { COMMENT_SIZE } from './match/comment.ts'
import { MAX_PORTS, PROTOCOLS_WITH_PORTS } from './match/multiport.ts'
import type { Match } from './registry.ts'
import type { Term } from './term.ts'
import { parseMac } from './value/mac.ts'
import type { Range } from './value/number.ts'
import { LAST_PORT } from './value/port.ts'
import { protocols } from './value/protocol.ts'
import { utf8Length } from './value/quote.ts'

const [BLANK, QUOTE, COMMA, DASH, COLON] = [0x20, 0x22, 0x2c, 0x2d, 0x3a]

/** In quotes only what must be. */
const COMMENT = / -m comment --comment (?:"(?:[\w-]*[^\w"'\\\n-][^"'\\\n]*)?"|[\w-]+)/y
const COMMENT_START = ' -m comment --comment '.length

const MAC = / -m mac --mac-source [0-9a-f]{2}(?::[0-9a-f]{2}){5}/y
const MAC_START = ' -m mac --mac-source '.length

/** Undefined for what is no match of these kinds, or is spelled otherwise; the cursor then stands anywhere. */
export function readPlainMatch(
  cursor: LineCursor,
  chain: string,
  protocol: number | undefined,
): Match | undefined {
  switch (cursor.text.charAt(cursor.at + ' -m '.length)) {
    case 't':
      return protocol === protocols.tcp ? readPorts(cursor, 'tcp') : undefined
    case 'u':
      return protocol === protocols.udp ? readPorts(cursor, 'udp') : undefined
    case 'c':
      return readComment(cursor)
    case 'm':
      return readMac(cursor, chain) ?? readMultiport(cursor, protocol)
    default:
      return undefined
  }
}

/** Ports right behind the protocol, which brings its match along. */
export function readImpliedPorts(cursor: LineCursor, protocol: number | undefined): Match | undefined {
  const isPort = cursor.text.startsWith(' --', cursor.at)
  if (!isPort || (protocol !== protocols.tcp && protocol !== protocols.udp)) return undefined
  cursor.printed = false
  return readPortsOf(cursor, protocol === protocols.tcp ? 'tcp' : 'udp')
}

const readPorts = (cursor: LineCursor, kind: 'tcp' | 'udp'): Match | undefined =>
  cursor.takes(kind === 'tcp' ? ' -m tcp' : ' -m udp')
    ? readPortsOf(cursor, kind, ' -m tcp'.length)
    : undefined

/** `behind` so many characters of the match. */
function readPortsOf(cursor: LineCursor, kind: 'tcp' | 'udp', behind = 0): Match | undefined {
  const start = cursor.at - behind + 1
  const sourcePort = readPort(cursor, ' --sport ')
  const destinationPort = readPort(cursor, ' --dport ')
  if (!isAtOption(cursor)) return undefined
  const span = cursor.spanFrom(start)
  if (sourcePort)
    return destinationPort ? { kind, sourcePort, destinationPort, span } : { kind, sourcePort, span }
  return destinationPort ? { kind, destinationPort, span } : { kind, span }
}

/** Whether nothing of the match comes next. */
function isAtOption({ text, at, end }: LineCursor): boolean {
  if (at >= end) return at === end
  return text.charCodeAt(at) === BLANK && text.charCodeAt(at + 1) === DASH && text.charCodeAt(at + 2) !== DASH
}

function readPort(cursor: LineCursor, option: ' --sport ' | ' --dport '): Term<Range> | undefined {
  if (!cursor.takes(option)) return undefined
  const value = readRange(cursor)
  // all ports together ask nothing
  return value && value.high - value.low < LAST_PORT ? { value, negated: false } : cursor.fail()
}

/** As it is printed: one that is a single port has no end. */
function readRange(cursor: LineCursor): Range | undefined {
  const low = cursor.number(LAST_PORT)
  if (!cursor.skips(COLON)) return low >= 0 ? { low, high: low } : undefined
  const high = cursor.number(LAST_PORT)
  return low < high ? { low, high } : undefined
}

const SIDES = ['dports', 'sports', 'ports'] as const

function readMultiport(cursor: LineCursor, protocol: number | undefined): Match | undefined {
  const start = cursor.at + 1
  if (protocol === undefined || !PROTOCOLS_WITH_PORTS.includes(protocol)) return undefined
  if (!cursor.takes(' -m multiport --')) return undefined
  const side = SIDES.find(name => cursor.takes(`${name} `))
  const value = side && readRanges(cursor)
  if (!value) return undefined
  return { kind: 'multiport', side, ports: { value, negated: false }, span: cursor.spanFrom(start) }
}

function readRanges(cursor: LineCursor): readonly Range[] | undefined {
  const ranges: Range[] = []
  let slots = 0
  do {
    const range = readRange(cursor)
    if (!range) return undefined
    ranges.push(range)
    slots += range.low === range.high ? 1 : 2
  } while (cursor.skips(COMMA))
  // an array that was pushed to has room for more
  return slots <= MAX_PORTS ? ranges.slice() : undefined
}

function readComment(cursor: LineCursor): Match | undefined {
  const start = cursor.at + 1
  const from = cursor.at + COMMENT_START
  if (!cursor.takesPattern(COMMENT)) return undefined
  const isQuoted = cursor.text.charCodeAt(from) === QUOTE
  const text = isQuoted ? cursor.text.slice(from + 1, cursor.at - 1) : cursor.text.slice(from, cursor.at)
  return isShort(text) ? { kind: 'comment', text, span: cursor.spanFrom(start) } : undefined
}

function readMac(cursor: LineCursor, chain: string): Match | undefined {
  const start = cursor.at + 1
  if (FROM_HERE.has(chain) || !cursor.takesPattern(MAC)) return undefined
  const value = parseMac(cursor.text.slice(start - 1 + MAC_START, cursor.at))
  return { kind: 'mac', source: { value, negated: false }, span: cursor.spanFrom(start) }
}

/** A code unit is three bytes at most. */
const isShort = (text: string): boolean => text.length * 3 < COMMENT_SIZE || utf8Length(text) < COMMENT_SIZE
