// Chains that call one another too deeply for any program. A chain that stands in place stands there once for each call, and where it calls others twice
// in place, and these others again, that doubles from chain to chain.

import { type CallGraph, type CallSites, slotsIn } from './calls.ts'
import { type Block, itemsIn } from './chain.ts'
import type { ChainFunctions } from './chain-function.ts'
import type { PlannedChain } from './emit/chain.ts'
import { MOST_INSTRUCTIONS } from './program.ts'

/** So many chains are emitted one inside of the other. */
const MOST_NESTED = 64

/** So many chains that have no function are told apart behind a look-up. */
const MOST_LOOKED_UP = 256

export interface Obstacle {
  /** The call that is too much, by its index among all that counts. */
  readonly rule: number
  readonly reason: string
}

type Chains = ReadonlyMap<string, PlannedChain>

/** What a chain comes to with all that stands in place in it. */
interface Body {
  readonly slots: number
  readonly nested: number
}

/** The first chain, from those on that call none, that is too much. */
export function obstacleIn(
  { calls, order }: CallGraph,
  chains: Chains,
  functions: ChainFunctions,
): Obstacle | undefined {
  const bodies = new Map<string, Body>()
  for (const name of order.toReversed()) {
    const inPlace = [...(calls.get(name) ?? [])].filter(([called]) => !functions.has(called))
    const { blocks = [] } = chains.get(name) ?? {}
    const body = bodyOf(blocks, inPlace, bodies)
    bodies.set(name, body)
    const reason = reasonFor(body, inPlace)
    if (reason) return { rule: firstCall(blocks, name => !functions.has(name)), reason }
  }
  return undefined
}

type CallsInPlace = readonly (readonly [chain: string, sites: CallSites])[]

function bodyOf(blocks: readonly Block[], inPlace: CallsInPlace, bodies: ReadonlyMap<string, Body>): Body {
  let slots = slotsIn(blocks)
  let nested = 0
  for (const [name, { named, lookedUp }] of inPlace) {
    const body = bodies.get(name)
    slots += (named + Number(lookedUp)) * (body?.slots ?? 0)
    nested = Math.max(nested, 1 + (body?.nested ?? 0))
  }
  return { slots, nested }
}

function reasonFor({ slots, nested }: Body, inPlace: CallsInPlace): string | undefined {
  if (slots > MOST_INSTRUCTIONS)
    return 'chains call one another so deeply, and in so many places, that no program can hold them'
  if (nested > MOST_NESTED) return `chains call one another more than ${MOST_NESTED} deep`
  if (inPlace.filter(([, { lookedUp }]) => lookedUp).length > MOST_LOOKED_UP)
    return 'more chains are called here than can be told apart so deeply inside of others'
  return undefined
}

const firstCall = (blocks: readonly Block[], isInPlace: (chain: string) => boolean): number =>
  blocks.flatMap(itemsIn).find(({ outcome }) => 'chain' in outcome && isInPlace(outcome.chain))?.rule ?? 0
