// Chains that call one another too deeply for any program. A chain that stands in place stands there once for each call, and where it calls others twice
// in place, and these others again, that doubles from chain to chain.

import type { CallGraph } from './calls.ts'
import { type Block, itemsIn } from './chain.ts'
import type { ChainFunctions } from './chain-function.ts'
import type { CutChain } from './cut-chain.ts'
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

type Chains = ReadonlyMap<string, CutChain>

/** What a chain comes to with all that stands in place in it. */
interface Body {
  readonly slots: number
  readonly nested: number
  /** How many chains that stand in place in it are looked up. */
  readonly lookedUp: number
}

/** The first chain, from those on that call none, that is too much. */
export function obstacleIn(
  { order }: CallGraph,
  chains: Chains,
  functions: ChainFunctions,
): Obstacle | undefined {
  const bodies = new Map<string, Body>()
  for (let at = order.length - 1; at >= 0; at--) {
    const chain = chains.get(order[at] as string)
    if (!chain || (isAlone(chain) && functions.has(chain.name))) continue
    const body = bodyOf(chain, functions, bodies)
    // chains that stand in functions are asked for by no other
    if (!functions.has(chain.name)) bodies.set(chain.name, body)
    const reason = reasonFor(body)
    if (reason) return { rule: firstCall(chain.blocks, name => !functions.has(name)), reason }
  }
  return undefined
}

/** Whether all that a chain comes to is its own, and no more than there may be. */
const isAlone = ({ calls, slots }: CutChain): boolean => calls.size === 0 && slots <= MOST_INSTRUCTIONS

function bodyOf(chain: CutChain, functions: ChainFunctions, bodies: ReadonlyMap<string, Body>): Body {
  let { slots } = chain
  let nested = 0
  let looked = 0
  if (chain.calls.size > 0)
    chain.calls.forEach(({ named, lookedUp }, name) => {
      if (functions.has(name)) return
      const body = bodies.get(name)
      slots += (named + Number(lookedUp)) * (body?.slots ?? 0)
      nested = Math.max(nested, 1 + (body?.nested ?? 0))
      if (lookedUp) looked++
    })
  return { slots, nested, lookedUp: looked }
}

function reasonFor({ slots, nested, lookedUp }: Body): string | undefined {
  if (slots > MOST_INSTRUCTIONS)
    return 'chains call one another so deeply, and in so many places, that no program can hold them'
  if (nested > MOST_NESTED) return `chains call one another more than ${MOST_NESTED} deep`
  if (lookedUp > MOST_LOOKED_UP)
    return 'more chains are called here than can be told apart so deeply inside of others'
  return undefined
}

const firstCall = (blocks: readonly Block[], isInPlace: (chain: string) => boolean): number =>
  blocks.flatMap(itemsIn).find(({ outcome }) => 'chain' in outcome && isInPlace(outcome.chain))?.rule ?? 0
