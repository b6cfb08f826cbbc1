// Which packets a rule may be about, as a few numbers, so that of thousands of rules those are found that can have packets in common with one. Nothing but the
// addresses and the protocol is told, since a rule asks for these before it can find a packet malformed.
//
//     source first | source last | destination first | destination last | protocol
//
// u32 each; an address of IPv6 is four of them, the highest first. What no range says, such as what is negated, is all there is: rules are found that have no packets
// in common, and never missed.

import { type Family, prefixLength, type Rule } from 'iptables-parser'
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
  into.set(rangeOf('saddr', source, family), at)
  into.set(rangeOf('daddr', destination, family), at + 2 * words)
  // rules of IPv6 drop packets whose headers lead nowhere before they ask for the protocol
  into[at + 4 * words] = protocol && !protocol.negated && family === 4 ? protocol.value : ANY_PROTOCOL
}

const ALL = { 4: [0, GREATEST], 6: [...Array(4).fill(0), ...Array(4).fill(GREATEST)] } as const

const all = (family: Family): readonly number[] => ALL[family]

function rangeOf(field: 'saddr' | 'daddr', asked: Rule['source'], family: Family): readonly number[] {
  if (!asked) return all(family)
  const { value, mask } = asked.value
  // what most rules ask, without a step in between
  if (family === 4 && !asked.negated && prefixLength(4, mask) !== undefined)
    return [Number(value), Number(value) + GREATEST - Number(mask)]
  const step = addressStep(field, asked)
  if (step.kind !== 'set') return all(family)
  const [first, end] = [step.set[0]?.low ?? 0, step.set.at(-1)?.end ?? 0]
  return family === 4
    ? [Number(first), Number(end) - 1]
    : [...wordsOfAddress(first), ...wordsOfAddress(BigInt(end) - 1n)]
}

const wordsOfAddress = (address: Point): number[] =>
  [96n, 64n, 32n, 0n].map(shift => Number((BigInt(address) >> shift) & 0xffff_ffffn))

/** Whether the rule whose reach stands at an offset can have packets in common with one of others. */
export const meetsOneOf = (
  reaches: Uint32Array,
  at: number,
  others: readonly Reach[],
  family: Family,
): boolean => others.some(other => meet(reaches, at, other, wordsOf(family)))

function meet(reaches: Uint32Array, at: number, other: Reach, words: number): boolean {
  for (const side of [0, 2 * words]) {
    if (isLess(reaches, at + side + words, other, side, words)) return false
    if (isGreater(reaches, at + side, other, side + words, words)) return false
  }
  const [own, asked] = [reaches[at + 4 * words], other[4 * words]]
  return own === asked || own === ANY_PROTOCOL || asked === ANY_PROTOCOL
}

const isLess = (a: Uint32Array, at: number, b: Reach, from: number, words: number): boolean =>
  difference(a, at, b, from, words) < 0

const isGreater = (a: Uint32Array, at: number, b: Reach, from: number, words: number): boolean =>
  difference(a, at, b, from, words) > 0

function difference(a: Uint32Array, at: number, b: Reach, from: number, words: number): number {
  for (let word = 0; word < words; word++) {
    const by = (a[at + word] ?? 0) - (b[from + word] ?? 0)
    if (by !== 0) return by
  }
  return 0
}
