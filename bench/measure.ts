// Runs the contenders side by side: all are loaded, each in a namespace of its own, and then take turns, so that what the
// machine does meanwhile hits all of them alike.

import type { Contender, Loaded, ProgramSize } from './contender/contender.ts'
import { openEnds, requireEnd } from './ends.ts'
import { frameOf } from './frame.ts'
import { framesOf, type Gallery, MOST_ROUNDS, openGallery } from './live.ts'
import { newRange, type Range } from './network.ts'
import { BATCH } from './stub.ts'
import type { Traffic, Workload } from './workload.ts'

/** Nanoseconds per packet, over the packets of a traffic; each packet's own time is the median of its rounds. */
export interface Cost {
  readonly median: number
  readonly p99: number
}

export interface TrafficCost {
  readonly kind: Traffic['kind']
  /** On the whole receive path. */
  readonly path: Cost
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

/** The value that `share` of the numbers are not above. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)

const costOf = (numbers: readonly number[]): Cost => ({
  median: median(numbers),
  p99: quantile(numbers, 0.99),
})

/** A contender with the rules loaded. */
interface Entrant {
  readonly contender: Contender
  readonly range: Range
  readonly loaded: Loaded
  readonly gallery: Gallery
  /** Nanoseconds by packet, as they were measured. */
  readonly samples: readonly number[][]
  readonly close: () => void
}

/** Milliseconds of packets for each turn of a contender. */
const BUDGET = 60

export interface MeasureOptions {
  /** Is told what comes next. */
  readonly before?: (what: string) => void
  readonly turns?: number
}

/** Measures a workload with all contenders that can take it. */
export function measure(
  workload: Workload,
  contenders: readonly Contender[],
  { before = () => {}, turns = 5 }: MeasureOptions = {},
): Measurement[] {
  const entrants: Entrant[] = []
  const unfit = new Map<Contender, string>()
  try {
    for (const contender of contenders) {
      before(`loading ${contender.name}`)
      const reason = contender.unfit?.(workload) ?? tryToEnter(contender, workload, entrants)
      if (reason !== undefined) unfit.set(contender, reason)
    }
    takeTurns(entrants, turns, before)
    return contenders.map(contender => {
      const entrant = entrants.find(each => each.contender === contender)
      return entrant
        ? describe(workload, entrant)
        : { contender: contender.name, unfit: unfit.get(contender) ?? '', loadMilliseconds: 0, costs: [] }
    })
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
      for (const [packet, samples] of entrant.samples.entries()) samples.push(...(times[packet] ?? []))
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

function describe({ traffic }: Workload, { contender, loaded, samples }: Entrant): Measurement {
  const { milliseconds, size, alone } = loaded
  const times = samples.map(median)
  let next = 0
  const costs = traffic.map(({ kind, flows }): TrafficCost => {
    const own = times.slice(next, next + flows.length)
    next += flows.length
    return {
      kind,
      path: costOf(own),
      ...(alone && { alone: costOf(flows.map(flow => alone(frameOf(flow)))) }),
    }
  })
  return { contender: contender.name, loadMilliseconds: milliseconds, ...(size && { size }), costs }
}
