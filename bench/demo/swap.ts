// Rule sets swapped under traffic: is any packet let through meanwhile that should not be, and is any count lost?

import { type Flow, frameOf, protocolNumber } from '../frame.ts'
import { bpftables } from './command.ts'
import { type Delivered, difference, readDelivered } from './delivered.ts'
import { readHits } from './hits.ts'
import { ruleFiles } from './rules.ts'
import type { Stage } from './stage.ts'
import { server } from './traffic.ts'

export interface SwapReport {
  /** Packets of each of the two kinds. */
  readonly sent: number
  readonly milliseconds: number
  readonly delivered: Delivered
  /** What the rule counted that all of them have. */
  readonly counted: number
}

const common = { family: 4, source: 0xc612_0001n, destination: server[4], sourcePort: 50_000 } as const
/** A rule accepts this one, in all the rule sets. */
const allowed: Flow = { ...common, protocol: protocolNumber.udp, destinationPort: 443 }
/** Only the policy stops this one. */
const forbidden: Flow = { ...common, protocol: protocolNumber.tcp, destinationPort: 3306 }
const allowedRule = /--comment QUIC /

/** Packets sent without a pause: fewer than the queue to the server holds. */
const BURST = 100

/** Swaps between the two rule sets, `swaps` times, with packets coming in from before the first to after the last. */
export async function swapUnderTraffic(stage: Stage, swaps: number): Promise<SwapReport> {
  const [before, countBefore] = [stage.server.inside(readDelivered), await countAllowed(stage)]
  let sent = 0
  let swapping = true
  const traffic = (async () => {
    const frames = [frameOf(allowed), frameOf(forbidden)]
    while (swapping) {
      for (let packet = 0; packet < BURST; packet++) for (const frame of frames) stage.send(frame)
      sent += BURST
      await pause()
    }
  })()
  const begin = performance.now()
  try {
    for (let swap = 0; swap < swaps; swap++)
      await bpftables(['apply', swap % 2 === 0 ? ruleFiles.changed : ruleFiles.ipv4], stage)
  } finally {
    swapping = false
    await traffic
  }
  const milliseconds = performance.now() - begin
  await settle()
  const delivered = difference(stage.server.inside(readDelivered), before)
  return { sent, milliseconds, delivered, counted: (await countAllowed(stage)) - countBefore }
}

const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 1))
/** For packets that are still in a queue. */
const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 50))

async function countAllowed(stage: Stage): Promise<number> {
  const hits = await readHits(stage)
  return hits.find(({ family, rule }) => family === 4 && allowedRule.test(rule))?.packets ?? Number.NaN
}
