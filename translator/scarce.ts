// What the kernel gives a program few of, and chains ask for many: maps, which look-ups and trees in maps are, and functions, which separate trees in code
// are. The chains that have the most rules in them get them, the others do without.

import { type Block, blocksIn, itemsIn, type Strategies } from './chain.ts'

interface Scarce {
  /** For one family; two may be in one program. */
  readonly most: number
  /** How many a block takes. */
  of(block: Block): number
  /** How chains do without. */
  readonly instead: Partial<Strategies>
}

const scarce: readonly Scarce[] = [
  // MAX_USED_MAPS is 64, and look-ups take up to three
  {
    most: 6,
    of: ({ kind }) => (kind === 'mapped' || kind === 'kept' ? 1 : 0),
    instead: { map: 'never', mostSlots: Number.POSITIVE_INFINITY },
  },
  {
    most: 10,
    of: ({ kind }) => (kind === 'dispatch' ? 1 : 0),
    instead: { dispatch: 'never', edited: new Set() },
  },
  // BPF_MAX_SUBPROGS is 256
  {
    most: 40,
    of: block => (block.kind === 'separated' ? block.trees.length : 0),
    instead: { separate: 'never' },
  },
]

interface Cut {
  readonly name: string
  readonly blocks: readonly Block[]
}

/** The chains, some of them cut anew where all together ask for too much. */
export function withinLimits<C extends Cut>(
  chains: ReadonlyMap<string, C>,
  cutAnew: (chain: C, instead: Partial<Strategies>) => C,
): ReadonlyMap<string, C> {
  const within = new Map(chains)
  for (const one of scarce)
    for (const chain of beyond([...within.values()], one)) within.set(chain.name, cutAnew(chain, one.instead))
  return within
}

/** The chains that get none: those with the fewest rules in such blocks. */
function beyond<C extends Cut>(chains: readonly C[], { most, of }: Scarce): ReadonlySet<C> {
  const asking = chains.flatMap(chain => {
    const blocks = chain.blocks.flatMap(blocksIn).filter(block => of(block) > 0)
    if (blocks.length === 0) return []
    return [{ chain, rules: sum(blocks, block => itemsIn(block).length), asked: sum(blocks, of) }]
  })
  const without = new Set<C>()
  let left = most
  for (const { chain, asked } of asking.toSorted((a, b) => b.rules - a.rules)) {
    if (asked > left) without.add(chain)
    else left -= asked
  }
  return without
}

const sum = (blocks: readonly Block[], of: (block: Block) => number): number =>
  blocks.reduce((total, block) => total + of(block), 0)
