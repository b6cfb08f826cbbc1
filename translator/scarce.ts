// What there is little of for a program, and chains ask for much: code, of which the kernel takes microseconds for each slot, maps, which look-ups and trees in maps
// are, and functions, which separate trees in code are. Of code the largest chains do without; of the rest those chains get it first in which look-ups or trees of
// another program go on, since these hold many rules that are not read, and then those that have the most rules in such blocks.

import type { Family } from 'iptables-parser'
import { type Block, blocksIn, itemsIn, type Strategies } from './chain.ts'
import { LARGE, MOST_CODE, OWN_MAPS } from './cost.ts'
import type { CutChain } from './cut-chain.ts'
import { sharedSize } from './emit/key.ts'
import { FEW_PARTS } from './run.ts'
import { isGoingOn, type SharedTrees, sharedTrees } from './shared-trees.ts'

interface Scarce {
  /** For one family; two may be in one program. */
  readonly most: number
  /** How many a block takes. */
  of(block: Block, shared: SharedTrees, family: Family): number
  /** How chains do without. */
  readonly instead: Partial<Strategies>
}

/** Only a walk that is shared goes on from a rule. */
const goingOnAlone: Scarce = {
  most: 0,
  of: (block, { blocks }) => (isGoingOn(block) && !blocks.has(block) ? 1 : 0),
  instead: { goingOn: false },
}

const scarce: readonly Scarce[] = [
  goingOnAlone,
  // MAX_USED_MAPS is 64, and look-ups take up to 39
  {
    most: OWN_MAPS,
    of: (block, { blocks }) =>
      (block.kind === 'mapped' && !blocks.has(block)) || block.kind === 'kept' ? 1 : 0,
    instead: { map: 'never', mostSlots: Number.POSITIVE_INFINITY },
  },
  // keys that are too long to share maps by
  {
    most: 3,
    of: (block, _, family) =>
      block.kind === 'dispatch' && sharedSize(block.fields, family) === undefined ? 1 : 0,
    instead: { dispatch: 'never', edited: new Set() },
  },
  // each is code of some forty slots
  {
    most: 4000,
    of: ({ kind }) => (kind === 'dispatch' ? 1 : 0),
    instead: { dispatch: 'never', edited: new Set() },
  },
  // BPF_MAX_SUBPROGS is 256
  {
    most: 40,
    of: block => (block.kind === 'separated' ? block.trees.length : 0),
    instead: { separate: 'never' },
  },
  // what was cut anew may go on as well
  goingOnAlone,
]

/** From so few rules on they do. */
const LEAST_IN_MAP = 16
const inMaps: Partial<Strategies> = {
  map: 'always',
  leastSeparated: LEAST_IN_MAP,
  goingOn: true,
  large: LEAST_IN_MAP,
}

/** So many rules are far more code than that, and need not be tried as such. */
const MANY_RULES = 2048

/** How a chain of so many rules is cut first, where all that are reached have so many. Longer ones are cut for maps anyway. */
export const cutAmong = (rules: number, all: number, strategies: Strategies): Strategies =>
  strategies.map === 'cheapest' && all >= MANY_RULES && rules >= LEAST_IN_MAP && rules < LARGE
    ? { ...strategies, ...inMaps }
    : strategies

interface Cutting {
  readonly family: Family
  readonly strategies: Strategies
}

/** Chains that ask for no more than there is. */
interface Within {
  readonly chains: ReadonlyMap<string, CutChain>
  /** Which of their trees share a map. */
  readonly shared: SharedTrees
  /** Those of which some blocks may ask for what is scarce. */
  readonly mixed: readonly CutChain[]
}

/** The chains, some of them cut anew where all together ask for too much. */
export function withinLimits(
  chains: ReadonlyMap<string, CutChain>,
  { family, strategies }: Cutting,
  cutAnew: (chain: CutChain, instead: Partial<Strategies>) => CutChain,
): Within {
  let within = chains
  let copy: Map<string, CutChain> | undefined
  const without = new Map<string, Partial<Strategies>>()
  const change = (chain: CutChain, more: Partial<Strategies>): void => {
    const instead = { ...without.get(chain.name), ...more }
    without.set(chain.name, instead)
    copy ??= new Map(chains)
    within = copy.set(chain.name, cutAnew(chain, instead))
  }
  if (strategies.map === 'cheapest')
    for (const chain of largest(chains))
      if (isLookedUp(chain)) without.set(chain.name, inMaps)
      else change(chain, inMaps)
  let mixed = mixedIn(within)
  let shared = sharedTrees(mixed, family, strategies.ownMaps)
  for (const one of scarce) {
    const asked = (block: Block): number => one.of(block, shared, family)
    const changed = beyond(mixed, { ...one, of: asked }, strategies)
    if (changed.size === 0) continue
    for (const chain of changed) change(chain, one.instead)
    mixed = mixedIn(within)
    shared = sharedTrees(mixed, family, strategies.ownMaps)
  }
  return { chains: within, shared, mixed }
}

function mixedIn(chains: ReadonlyMap<string, CutChain>): readonly CutChain[] {
  const mixed: CutChain[] = []
  chains.forEach(chain => {
    if (!chain.isCode) mixed.push(chain)
  })
  return mixed
}

/** Whether blocks of another program go on in a chain. */
const goesOn = ({ items }: CutChain, { kept }: Pick<Strategies, 'kept'>): boolean =>
  kept.size > 0 && items.some(({ rule }) => kept.has(rule))

/** The largest chains, as many as have to have less code, but for those of few rules: these are no less in a map. */
function largest(chains: ReadonlyMap<string, CutChain>): readonly CutChain[] {
  let left = 0
  let areFew = true
  chains.forEach(chain => {
    left += chain.slots
    areFew &&= hasFewRules(chain)
  })
  if (areFew || left <= MOST_CODE) return []
  const first: CutChain[] = []
  for (const chain of [...chains.values()].sort((a, b) => b.slots - a.slots)) {
    if (left <= MOST_CODE) break
    left -= chain.slots
    if (!hasFewRules(chain)) first.push(chain)
  }
  return first
}

/** So few look-ups, and nothing between them, that they would be there again. */
const isLookedUp = ({ blocks }: CutChain): boolean =>
  blocks.length <= FEW_PARTS && blocks.every(({ kind }) => kind === 'dispatch' || kind === 'always')

const hasFewRules = ({ items }: CutChain): boolean => items.length < LEAST_IN_MAP

/** The chains that get none: those with the fewest rules in such blocks, but for those in which blocks go on. */
function beyond(
  chains: readonly CutChain[],
  { most, of }: { readonly most: number; readonly of: (block: Block) => number },
  strategies: Strategies,
): ReadonlySet<CutChain> {
  const asking = chains.flatMap(chain => {
    const blocks = chain.blocks.flatMap(blocksIn).filter(block => of(block) > 0)
    if (blocks.length === 0) return []
    const rules = sum(blocks, block => itemsIn(block).length)
    return [{ chain, isFirst: goesOn(chain, strategies), rules, all: sum(blocks, of) }]
  })
  const without = new Set<CutChain>()
  let left = most
  for (const { chain, all } of asking.sort(byRules)) {
    if (all > left) without.add(chain)
    else left -= all
  }
  return without
}

interface Asking {
  readonly isFirst: boolean
  readonly rules: number
}

const byRules = (a: Asking, b: Asking): number => Number(b.isFirst) - Number(a.isFirst) || b.rules - a.rules

const sum = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((total, one) => total + of(one), 0)
