// Runs the contenders side by side: all are loaded, each in several namespaces of its own, and then take turns, so that what the
// machine does meanwhile hits all of them alike. What one namespace has by luck, such as where its memory lies, the others tell.

import type { Contender, Loaded, ProgramSize } from './contender/contender.ts'
import { openEnds, requireEnd } from './ends.ts'
import { type Flow, frameOf } from './frame.ts'
import { framesOf, type Gallery, MOST_ROUNDS, openGallery } from './live.ts'
import { newRange, type Range } from './network.ts'
import { type Cost, costOf, median, type PacketTime, packetTimes } from './packet-time.ts'
import { BATCH } from './stub.ts'
import type { Traffic, Workload } from './workload.ts'

export interface TrafficCost {
  readonly kind: Traffic['kind']
  /** On the whole receive path, over the packets. */
  readonly path: Cost
  /** And of each packet. */
  readonly packets: readonly PacketTime[]
  /** Of the programs alone. */
  readonly alone?: Cost
}

export interface Measurement {
  readonly contender: string
  /** Why it was not measured; then there is nothing else. */
  readonly unfit?: string
  readonly loadMilliseconds: number
  readonly size?: ProgramSize
  readonly costs: readonly TrafficCost[]
}

/** A contender with the rules loaded in a namespace. */
interface Entrant {
  readonly contender: Contender
  readonly range: Range
  readonly loaded: Loaded
  readonly gallery: Gallery
  /** Nanoseconds by packet: the medians of the turns. */
  readonly samples: readonly number[][]
  readonly close: () => void
}

/** Milliseconds of packets for each turn of a contender. */
const BUDGET = 40

/** Of which the quickest counts: every one has pages of its own, and now and then one takes a fifth longer from its begin to its end. */
const TURNS = 8

export interface MeasureOptions {
  /** Is told what comes next. */
  readonly before?: (what: string) => void
  readonly turns?: number
  /** Of each contender. */
  readonly namespaces?: number
}

/** Measures a workload with all contenders that can take it. */
export function measure(
  workload: Workload,
  contenders: readonly Contender[],
  { before = () => {}, turns = TURNS, namespaces = 1 }: MeasureOptions = {},
): Measurement[] {
  const entrants: Entrant[] = []
  const unfit = new Map<Contender, string>()
  try {
    for (let round = 1; round <= namespaces; round++)
      for (const contender of contenders) {
        if (unfit.has(contender)) continue
        before(`loading ${contender.name}`)
        const reason = contender.unfit?.(workload) ?? tryToEnter(contender, workload, entrants)
        if (reason !== undefined) unfit.set(contender, reason)
      }
    const fit = entrants.filter(({ contender }) => !unfit.has(contender))
    takeTurns(fit, turns, before)
    return contenders.map(contender =>
      describe(
        workload,
        contender,
        fit.filter(entrant => entrant.contender === contender),
        unfit.get(contender),
      ),
    )
  } finally {
    for (const { close } of entrants) close()
  }
}

/** Loads a contender; why that did not work. */
function tryToEnter(contender: Contender, workload: Workload, entrants: Entrant[]): string | undefined {
  const range = newRange(workload.family, workload.course)
  const closers = [range.close]
  try {
    const loaded = contender.load(range, workload)
    closers.unshift(loaded.close, openEnds(range))
    const flows = workload.traffic.flatMap(traffic => traffic.flows)
    const gallery = openGallery(range, flows.map(frameOf), loaded.xdp)
    closers.unshift(gallery.close)
    entrants.push({
      contender,
      range,
      loaded,
      gallery,
      samples: flows.map(() => []),
      close: () => {
        for (const close of closers) close()
      },
    })
    return undefined
  } catch (error) {
    for (const close of closers) close()
    return error instanceof Error ? error.message.trimEnd().split('\n', 2).join(': ') : String(error)
  }
}

function takeTurns(entrants: readonly Entrant[], turns: number, before: (what: string) => void): void {
  before('the first packets')
  const rounds = new Map(entrants.map(entrant => [entrant, roundsFor(entrant)]))
  requireSameCounts(entrants)
  for (const { range } of entrants) requireEnd(range)
  for (let turn = 1; turn <= turns; turn++)
    for (const entrant of entrants) {
      before(`turn ${turn} of ${turns}, ${entrant.contender.name}`)
      const times = entrant.gallery.send(rounds.get(entrant) ?? 1)
      for (const [packet, samples] of entrant.samples.entries()) samples.push(median(times[packet] ?? []))
    }
}

/** How many rounds a turn may have: told by one round to warm up. */
function roundsFor({ gallery }: Entrant): number {
  const nanoseconds = gallery.send(1).reduce((sum, [time = 0]) => sum + time * BATCH, 0)
  return Math.max(1, Math.min(MOST_ROUNDS, Math.floor((BUDGET * 1e6) / nanoseconds)))
}

/**
 * Whoever was sent the same packets through the same rules has counted as many, and each at least once: else something else was
 * measured.
 */
function requireSameCounts(entrants: readonly Entrant[]): void {
  const counting = entrants.flatMap(({ contender, loaded, samples }) =>
    loaded.counted
      ? [{ name: contender.name, count: loaded.counted(), sent: BigInt(framesOf(samples.length, 1)) }]
      : [],
  )
  const [first] = counting
  for (const { name, count, sent } of counting) {
    if (count < sent) throw new Error(`${name} counted ${count} packets of ${sent}`)
    if (count !== first?.count)
      throw new Error(`${name} counted ${count} packets, ${first?.name} ${first?.count} of the same`)
  }
}

function describe(
  { traffic }: Workload,
  contender: Contender,
  entrants: readonly Entrant[],
  unfit: string | undefined,
): Measurement {
  const [first] = entrants
  if (!first) return { contender: contender.name, unfit: unfit ?? '', loadMilliseconds: 0, costs: [] }
  const times = packetTimes(entrants.map(({ samples }) => samples.map(turns => Math.min(...turns))))
  let next = 0
  const costs = traffic.map(({ kind, flows }): TrafficCost => {
    const packets = times.slice(next, next + flows.length)
    next += flows.length
    return { kind, path: costOf(packets), packets, ...aloneOf(entrants, flows) }
  })
  const { size } = first.loaded
  const loadMilliseconds = median(entrants.map(({ loaded }) => loaded.milliseconds))
  return { contender: contender.name, loadMilliseconds, ...(size && { size }), costs }
}

/** Of the programs alone, where they can be run so. */
function aloneOf(entrants: readonly Entrant[], flows: readonly Flow[]): Pick<TrafficCost, 'alone'> {
  const times = entrants.flatMap(({ loaded: { alone } }) =>
    alone ? [flows.map(flow => alone(frameOf(flow)))] : [],
  )
  return times.length > 0 ? { alone: costOf(packetTimes(times)) } : {}
}
