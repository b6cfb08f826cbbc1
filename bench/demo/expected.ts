// What the reference evaluator says about packets: it walks the rules one by one, and is written to be obviously right.

import { type Evaluation, evaluate, type Packet, type Ruleset } from 'iptables-parser'
import { ETHERNET_BYTES, type Flow, frameOf } from '../frame.ts'
import type { Kind } from './traffic.ts'

/** The device of the server that packets come in by. */
export const DEVICE = 'eth0'

/** What counts, by `4 INPUT 3`; number 0 is the policy. */
export type Counts = ReadonlyMap<string, number>

export const countKey = (family: number, chain: string, number: number): string =>
  `${family} ${chain} ${number}`

export interface Expectation {
  readonly accepted: number
  readonly dropped: number
  readonly counts: Counts
}

const packetOf = (flow: Flow, state: Kind['state']): Packet => ({
  family: flow.family,
  bytes: frameOf(flow).subarray(ETHERNET_BYTES),
  inInterface: DEVICE,
  outInterface: '',
  conntrack: { state },
})

/** What becomes of a packet at INPUT. */
export function expectOne(rulesets: readonly Ruleset[], flow: Flow, state: Kind['state']): Evaluation {
  const ruleset = rulesets.find(({ family }) => family === flow.family)
  if (!ruleset) throw new RangeError(`no rules for IPv${flow.family}`)
  return evaluate(ruleset, 'filter', 'INPUT', packetOf(flow, state))
}

/** What becomes of packets at INPUT, and what they are counted by. */
export function expect(rulesets: readonly Ruleset[], kinds: readonly Kind[]): Expectation {
  const counts = new Map<string, number>()
  let accepted = 0
  let dropped = 0
  for (const { flows, state } of kinds)
    for (const flow of flows) {
      const { verdict, path } = expectOne(rulesets, flow, state)
      if (verdict === 'accept') accepted++
      else dropped++
      for (const { chain, number } of path) {
        const key = countKey(flow.family, chain, number)
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
  return { accepted, dropped, counts }
}
