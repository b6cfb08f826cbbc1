// Which packets a rule may be about, as a few numbers, so that of thousands of rules those are found that can have packets in common with one. Nothing but the
// addresses and the protocol is told, since a rule asks for these before it can find a packet malformed.
//
//     source first | source last | destination first | destination last | protocol
//
// u32 each; an address of IPv6 is four of them, the highest first. What no range says, such as what is negated, is all there is: rules are found that have no packets
// in common, and never missed.

import type { Family, Rule } from 'iptables-parser'
import { addressStep } from '../../../translator/match/core.ts'
import type { Point } from '../../../translator/tree/interval.ts'

export type Reach = Uint32Array

const GREATEST = 0xffff_ffff
const ANY_PROTOCOL = GREATEST

const wordsOf = (family: Family): number => (family === 4 ? 1 : 4)

/** How many numbers say it. */
export const reachSize = (family: Family): number => 4 * wordsOf(family) + 1

/** Of a rule of which nothing is known. */
export const everything = (family: Family): Reach => reachOf({ matches: [] }, family)

/** Of so many rules of which nothing is known. */
export function reachesOf(rules: number, family: Family): Uint32Array {
  const reaches = new Uint32Array(rules * reachSize(family))
  if (rules > 0) reaches.set(everything(family))
  for (let filled = reachSize(family); filled < reaches.length; filled *= 2)
    reaches.copyWithin(filled, 0, filled)
  return reaches
}

export function reachOf(rule: Rule, family: Family): Reach {
  const reach = new Uint32Array(reachSize(family))
  writeReach(reach, 0, rule, family)
  return reach
}

/** Writes what a rule may be about at an offset: with tens of thousands of rules each array of its own would be felt. */
export function writeReach(
  into: Uint32Array,
  at: number,
  { source, destination, protocol }: Rule,
  family: Family,
): void {
  const words = wordsOf(family)
  writeRange(into, at, 'saddr', source, family)
  writeRange(into, at + 2 * words, 'daddr', destination, family)
  // rules of IPv6 drop packets whose headers lead nowhere before they ask for the protocol
  into[at + 4 * words] = protocol && !protocol.negated && family === 4 ? protocol.value : ANY_PROTOCOL
}

const ALL = { 4: [0, GREATEST], 6: [...Array(4).fill(0), ...Array(4).fill(GREATEST)] } as const

const all = (family: Family): readonly number[] => ALL[family]

function writeRange(
  into: Uint32Array,
  at: number,
  field: 'saddr' | 'daddr',
  asked: Rule['source'],
  family: Family,
): void {
  const rest = restOfPrefix(asked, family)
  if (rest !== undefined) {
    const first = asked ? Number(asked.value.value) : 0
    into[at] = first
    into[at + 1] = first + rest
  } else into.set(asked ? rangeOf(field, asked, family) : all(family), at)
}

/** What most rules ask, without a step in between: how many addresses of IPv4 follow on the first of a prefix. */
function restOfPrefix(asked: Rule['source'], family: Family): number | undefined {
  if (family !== 4 || asked?.negated) return undefined
  if (!asked) return GREATEST
  const rest = GREATEST - Number(asked.value.mask)
  return (rest & (rest + 1)) === 0 ? rest : undefined
}

function rangeOf(
  field: 'saddr' | 'daddr',
  asked: NonNullable<Rule['source']>,
  family: Family,
): readonly number[] {
  const step = addressStep(field, asked)
  if (step.kind !== 'set') return all(family)
  const [first, end] = [step.set[0]?.low ?? 0, step.set.at(-1)?.end ?? 0]
  return family === 4
    ? [Number(first), Number(end) - 1]
    : [...wordsOfAddress(first), ...wordsOfAddress(BigInt(end) - 1n)]
}

const wordsOfAddress = (address: Point): number[] =>
  [96n, 64n, 32n, 0n].map(shift => Number((BigInt(address) >> shift) & 0xffff_ffffn))

/** Rules of a table, from one to before another, and how many of them are wanted. */
export interface Among {
  readonly from: number
  readonly end: number
  readonly most: number
}

/** Those that can have packets in common with one of this reach. */
export function meeting(
  reaches: Uint32Array,
  { from, end, most }: Among,
  other: Reach,
  family: Family,
): readonly number[] {
  const [words, size] = [wordsOf(family), reachSize(family)]
  const [sourceFirst = 0, sourceLast = 0, first = 0, last = 0] = [0, 1, 2, 3].map(at => other[at * words])
  const found: number[] = []
  for (let rule = from, at = from * size; rule < end && found.length < most; rule++, at += size)
    // the highest words tell most apart: ten thousand rules are gone through by code that V8 has not optimized yet
    if (
      (reaches[at] ?? 0) <= sourceLast &&
      (reaches[at + words] ?? 0) >= sourceFirst &&
      (reaches[at + 2 * words] ?? 0) <= last &&
      (reaches[at + 3 * words] ?? 0) >= first &&
      meets(reaches, at, other, words)
    )
      found.push(rule)
  return found
}

function meets(reaches: Uint32Array, at: number, other: Reach, words: number): boolean {
  const [own, asked] = [reaches[at + 4 * words], other[4 * words]]
  if (own !== asked && own !== ANY_PROTOCOL && asked !== ANY_PROTOCOL) return false
  // of one word, all was compared
  return words === 1 || meetsAddresses(reaches, at, other, words)
}

function meetsAddresses(reaches: Uint32Array, at: number, other: Reach, words: number): boolean {
  for (const side of [0, 2 * words])
    if (
      difference(reaches, at + side + words, other, side, words) < 0 ||
      difference(reaches, at + side, other, side + words, words) > 0
    )
      return false
  return true
}

function difference(
  a: ArrayLike<number>,
  at: number,
  b: ArrayLike<number>,
  from: number,
  words: number,
): number {
  for (let word = 0; word < words; word++) {
    const by = (a[at + word] ?? 0) - (b[from + word] ?? 0)
    if (by !== 0) return by
  }
  return 0
}
