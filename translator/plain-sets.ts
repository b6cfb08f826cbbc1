// What most rules of long rule sets ask: prefixes, a protocol, ports. Each is a field of its own, so what the rule asks of fields can be said at once, without a step for
// each that narrows what those before it left (item.ts), and comes to the same.

import {
  type AddressMask,
  type Family,
  type Match,
  prefixLength,
  type Range,
  type Rule,
  type Term,
} from 'iptables-parser'
import type { FieldName } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { malformedHeader, unreachable, wholeTransport } from './match/transport.ts'
import { type IntervalSet, inclusive, single } from './tree/interval.ts'
import { trimmed } from './trimmed.ts'

export interface PlainSets {
  /** Of packets that the rule finds malformed, in the order it does. */
  readonly malformed: readonly FieldSets[]
  /** Of those it matches. */
  readonly matched: FieldSets
}

/** In the order they are asked; every hook knows them. */
const FIELDS = ['saddr', 'daddr', 'protocol', 'transport', 'sport', 'dport'] as const satisfies FieldName[]
const [SADDR, DADDR, PROTOCOL, TRANSPORT, SPORT, DPORT] = [1, 2, 4, 8, 16, 32]

type Make = (sets: readonly IntervalSet[]) => FieldSets

/** By a bit for each of the fields. */
const makers: readonly Make[] = Array.from({ length: 1 << FIELDS.length }, (_, asked) =>
  FieldSets.maker(FIELDS.filter((_, at) => (asked >> at) & 1)),
)

const make = (asked: number, sets: readonly IntervalSet[]): FieldSets =>
  (makers[asked] as Make)(trimmed(sets))

/** What a rule asks of fields; undefined where it asks anything else, anything negated, or nothing by asking for all there is. */
export function plainSets(rule: Rule, family: Family): PlainSets | undefined {
  const { source, destination, protocol } = rule
  const matches = rule.matches.some(isComment)
    ? rule.matches.filter(match => !isComment(match))
    : rule.matches
  const match = matches[0]
  if (rule.inInterface || rule.outInterface || rule.fragment || protocol?.negated) return undefined
  if (matches.length > 1 || (match && !asksPortsAlone(match))) return undefined
  const sets: IntervalSet[] = []
  let asked = 0
  if (source) asked |= add(sets, SADDR, prefixSet(source))
  if (destination) asked |= add(sets, DADDR, prefixSet(destination))
  if (asked >= NOT_PLAIN) return undefined
  // IPv6 headers are walked along for rules that name a protocol
  const malformed = protocol && family === 6 ? [make(asked | TRANSPORT, [...sets, unreachable.set])] : NONE
  if (protocol) asked |= add(sets, PROTOCOL, single(protocol.value))
  if (!match) return { malformed, matched: make(asked, sets) }
  asked |= TRANSPORT
  const short = make(asked, [...sets, malformedHeader[match.kind].set])
  sets.push(wholeTransport.set)
  if (match.sourcePort) asked |= add(sets, SPORT, portSet(match.sourcePort))
  if (match.destinationPort) asked |= add(sets, DPORT, portSet(match.destinationPort))
  if (asked >= NOT_PLAIN) return undefined
  return { malformed: malformed === NONE ? [short] : [...malformed, short], matched: make(asked, sets) }
}

const NONE: readonly FieldSets[] = []

const isComment = ({ kind }: Match): boolean => kind === 'comment'

/** Beside the bits of fields. */
const NOT_PLAIN = 64

function add(sets: IntervalSet[], field: number, set: IntervalSet | undefined): number {
  if (!set) return NOT_PLAIN
  sets.push(set)
  return field
}

type PortMatch = Extract<Match, { kind: 'tcp' | 'udp' }>

const asksPortsAlone = (match: Match): match is PortMatch =>
  match.kind === 'udp' || (match.kind === 'tcp' && !match.flags && !match.option)

function prefixSet({ value: { family, value, mask }, negated }: Term<AddressMask>): IntervalSet | undefined {
  const length = negated ? 0 : (prefixLength(family, mask) ?? 0)
  if (length === 0) return undefined
  if (family === 6) return [{ low: value, end: value + (1n << BigInt(128 - length)) }]
  const low = Number(value)
  return [{ low, end: low + 2 ** (32 - length) }]
}

const LAST_PORT = 0xffff

const portSet = ({ value: { low, high }, negated }: Term<Range>): IntervalSet | undefined =>
  negated || (low === 0 && high === LAST_PORT) ? undefined : inclusive(low, high)
