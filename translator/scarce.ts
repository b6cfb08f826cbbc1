// What there is little of for a program, and chains ask for much: code, of which the kernel takes microseconds for each slot, maps, which look-ups and trees in maps
// are, and functions, which separate trees in code are. Of code the largest chains do without; of the rest those chains get it first in which look-ups or trees of
// another program go on, since these hold many rules that are not read, and then those that have the most rules in such blocks.

import type { Family } from 'iptables-parser'
import { slotsIn } from './calls.ts'
import { type Block, blocksIn, isCode, itemsIn, type Strategies } from './chain.ts'
import { LARGE, MOST_CODE, OWN_MAPS } from './cost.ts'
import { sharedSize } from './emit/key.ts'
import type { Item } from './item.ts'
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

interface Cut {
  readonly name: string
  readonly items: readonly Item[]
  readonly blocks: readonly Block[]
}

interface Cutting {
  readonly family: Family
  readonly strategies: Strategies
}

/** The chains, some of them cut anew where all together ask for too much. */
export function withinLimits<C extends Cut>(
  chains: ReadonlyMap<string, C>,
  { family, strategies }: Cutting,
  cutAnew: (chain: C, instead: Partial<Strategies>) => C,
): ReadonlyMap<string, C> {
  const within = new Map(chains)
  const without = new Map<string, Partial<Strategies>>()
  const change = (chain: C, more: Partial<Strategies>): void => {
    const instead = { ...without.get(chain.name), ...more }
    without.set(chain.name, instead)
    within.set(chain.name, cutAnew(chain, instead))
  }
  if (strategies.map === 'cheapest') for (const chain of largest([...within.values()])) change(chain, inMaps)
  let shared = sharedTrees(within.values(), family, strategies.ownMaps)
  for (const one of scarce) {
    const asked = (block: Block): number => one.of(block, shared, family)
    const changed = beyond(asking(within), { ...one, of: asked }, strategies)
    for (const chain of changed) change(chain, one.instead)
    if (changed.size > 0) shared = sharedTrees(within.values(), family, strategies.ownMaps)
  }
  return within
}

/** The chains of which some blocks may ask for what is scarce: of thousands of chains few. */
const asking = <C extends Cut>(chains: ReadonlyMap<string, C>): readonly C[] =>
  [...chains.values()].filter(({ blocks }) => !blocks.every(isCode))

/** Whether blocks of another program go on in a chain. */
const goesOn = ({ items }: Pick<Cut, 'items'>, { kept }: Pick<Strategies, 'kept'>): boolean =>
  kept.size > 0 && items.some(({ rule }) => kept.has(rule))

/** The largest chains, as many as have to have less code, but for those of few rules: these are no less in a map. */
function largest<C extends Cut>(chains: readonly C[]): readonly C[] {
  const sizes = chains.map(chain => ({ chain, slots: slotsIn(chain.blocks) }))
  let left = sizes.reduce((sum, { slots }) => sum + slots, 0)
  const first: C[] = []
  for (const { chain, slots } of sizes.sort((a, b) => b.slots - a.slots)) {
    if (left <= MOST_CODE) break
    left -= slots
    if (chain.items.length >= LEAST_IN_MAP) first.push(chain)
  }
  return first
}

/** The chains that get none: those with the fewest rules in such blocks, but for those in which blocks go on. */
function beyond<C extends Cut>(
  chains: readonly C[],
  { most, of }: { readonly most: number; readonly of: (block: Block) => number },
  strategies: Strategies,
): ReadonlySet<C> {
  const asking = chains.flatMap(chain => {
    const blocks = chain.blocks.flatMap(blocksIn).filter(block => of(block) > 0)
    if (blocks.length === 0) return []
    const rules = sum(blocks, block => itemsIn(block).length)
    return [{ chain, isFirst: goesOn(chain, strategies), rules, all: sum(blocks, of) }]
  })
  const without = new Set<C>()
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

const sum = (blocks: readonly Block[], of: (block: Block) => number): number =>
  blocks.reduce((total, block) => total + of(block), 0)
