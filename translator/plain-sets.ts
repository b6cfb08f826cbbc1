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
  asked === 0 ? FieldSets.none : (makers[asked] as Make)(sets)

/** What a rule asks of fields, with some of its matches; undefined where it asks anything else, anything negated, or nothing by asking for all there is. */
export function plainSets(rule: Rule, family: Family, all = rule.matches): PlainSets | undefined {
  const { source, destination, protocol } = rule
  if (rule.inInterface || rule.outInterface || rule.fragment || protocol?.negated) return undefined
  const matches = withoutComments(all)
  const match = matches[0]
  if (matches.length > 1 || (match && !asksPortsAlone(match))) return undefined
  const sets = new Array<IntervalSet>(setsOf(rule, match))
  let asked = 0
  let count = 0
  if (source) {
    const set = prefixSet(source)
    if (!set) return undefined
    sets[count++] = set
    asked |= SADDR
  }
  if (destination) {
    const set = prefixSet(destination)
    if (!set) return undefined
    sets[count++] = set
    asked |= DADDR
  }
  // IPv6 headers are walked along for rules that name a protocol
  const malformed =
    protocol && family === 6 ? [make(asked | TRANSPORT, firstAnd(sets, count, unreachable.set))] : NONE
  if (protocol) {
    sets[count++] = single(protocol.value)
    asked |= PROTOCOL
  }
  if (!match) return { malformed, matched: make(asked, sets) }
  asked |= TRANSPORT
  const short = make(asked, firstAnd(sets, count, malformedHeader[match.kind].set))
  sets[count++] = wholeTransport.set
  if (match.sourcePort) {
    const set = portSet(match.sourcePort)
    if (!set) return undefined
    sets[count++] = set
    asked |= SPORT
  }
  if (match.destinationPort) {
    const set = portSet(match.destinationPort)
    if (!set) return undefined
    sets[count++] = set
    asked |= DPORT
  }
  return { malformed: malformed === NONE ? [short] : [...malformed, short], matched: make(asked, sets) }
}

const NONE: readonly FieldSets[] = []

function withoutComments(matches: readonly Match[]): readonly Match[] {
  for (let at = 0; at < matches.length; at++)
    if (isComment(matches[at] as Match)) return matches.filter(match => !isComment(match))
  return matches
}

const isComment = ({ kind }: Match): boolean => kind === 'comment'

/** How many sets a rule asks for: one that is pushed to would have room for more, which hundred thousands of rules have no use for. */
function setsOf({ source, destination, protocol }: Rule, match: PortMatch | undefined): number {
  let count = 0
  if (source) count++
  if (destination) count++
  if (protocol) count++
  if (!match) return count
  if (match.sourcePort) count++
  if (match.destinationPort) count++
  return count + 1
}

/** The first sets, and one more. */
function firstAnd(sets: readonly IntervalSet[], count: number, last: IntervalSet): readonly IntervalSet[] {
  const all = new Array<IntervalSet>(count + 1)
  for (let at = 0; at < count; at++) all[at] = sets[at] as IntervalSet
  all[count] = last
  return all
}

/** How many matches of a rule stand before the first that may not be said so. */
export function plainMatches({ matches }: Rule): number {
  let count = 0
  for (let match = matches[0]; match; match = matches[++count])
    if (!isComment(match) && !asksPortsAlone(match)) break
  return count
}

type PortMatch = Extract<Match, { kind: 'tcp' | 'udp' }>

const asksPortsAlone = (match: Match): match is PortMatch =>
  match.kind === 'udp' || (match.kind === 'tcp' && !match.flags && !match.option)

function prefixSet({ value: { family, value, mask }, negated }: Term<AddressMask>): IntervalSet | undefined {
  const length = negated ? 0 : (prefixLength(family, mask) ?? 0)
  if (length === 0) return undefined
  if (family === 6) return [{ low: value, end: value + (1n << BigInt(128 - length)) }]
  const low = Number(value)
  return [{ low, end: low + (SIZES[length] as number) }]
}

/** How many addresses a prefix has, by its length. */
const SIZES = Array.from({ length: 33 }, (_, length) => 2 ** (32 - length))

const LAST_PORT = 0xffff

const portSet = ({ value: { low, high }, negated }: Term<Range>): IntervalSet | undefined =>
  negated || (low === 0 && high === LAST_PORT) ? undefined : inclusive(low, high)
