// Which packets a rule may be about, as five numbers, so that of thousands of rules those are found that can have packets in common with one. Nothing but the
// addresses and the protocol is told, since a rule asks for these before it can find a packet malformed.
//
//     source first | source last | destination first | destination last | protocol      u32 each
//
// Of an address of IPv6 it is the highest 32 bits. What no range says, such as what is negated, is all there is: rules are found that have no packets in
// common, and never missed.

import type { Family, Rule } from 'iptables-parser'
import { addressStep } from '../../../translator/match/core.ts'
import type { Point } from '../../../translator/tree/interval.ts'

export const REACH = 5
const GREATEST = 0xffff_ffff
const ANY_PROTOCOL = GREATEST

export type Reach = readonly number[]

export const everything: Reach = [0, GREATEST, 0, GREATEST, ANY_PROTOCOL]

export const reachOf = ({ source, destination, protocol }: Rule, family: Family): Reach => [
  ...rangeOf('saddr', source, family),
  ...rangeOf('daddr', destination, family),
  // rules of IPv6 drop packets whose headers lead nowhere before they ask for the protocol
  protocol && !protocol.negated && family === 4 ? protocol.value : ANY_PROTOCOL,
]

function rangeOf(field: 'saddr' | 'daddr', asked: Rule['source'], family: Family): readonly [number, number] {
  const step = asked && addressStep(field, asked)
  if (step?.kind !== 'set') return [0, GREATEST]
  const [first, last] = [step.set[0]?.low ?? 0, step.set.at(-1)?.end ?? 0]
  return [highest(first, family), highest(BigInt(last) - 1n, family)]
}

const highest = (address: Point, family: Family): number =>
  Number(family === 4 ? address : BigInt(address) >> 96n)

/** Whether the rule whose reach stands at an offset can have packets in common with one of others. */
export const meetsOneOf = (reaches: Uint32Array, at: number, others: readonly Reach[]): boolean =>
  others.some(([from = 0, to = 0, low = 0, high = 0, protocol = 0]) => {
    const own = reaches[at + 4] ?? 0
    return (
      (reaches[at] ?? 0) <= to &&
      (reaches[at + 1] ?? 0) >= from &&
      (reaches[at + 2] ?? 0) <= high &&
      (reaches[at + 3] ?? 0) >= low &&
      (own === protocol || own === ANY_PROTOCOL || protocol === ANY_PROTOCOL)
    )
  })
