// What things cost, for the choice between strategies. `npm run bench:cost` measures the nanoseconds (docs/cost-model.md says on what machine
// those here were, and what they lead to); nothing but their proportions matters.

/** Nanoseconds of a packet. */
export const nanoseconds = {
  /** A branch of a tree in code. */
  branch: 0.6,
  /** A question of a candidate in code. */
  question: 0.2,
  /** A call of a tree's function, or its beginning in a map, and the comparison that may leave it out. */
  tree: 2,
  /** From the answer of trees to its counter and verdict. */
  answer: 1.5,
  /** A look-up in a hash map, with the key made for it. */
  hash: 25,
  /** What trees in a map are compared with put in order, and their walk called. */
  walk: 8,
  /** A branch of a tree in a map. */
  mapBranch: 0.5,
  /** A box in a map compared with a packet. */
  mapBox: 2,
} as const

/** Slots of code. */
export const slots = {
  /** A branch: its comparison, and often the field's load. */
  branch: 1.7,
  /** A candidate of a leaf: its outcome and on average so many questions. */
  candidate: 8.5,
  lookUp: 40,
} as const

/**
 * What a slot of code is worth in nanoseconds of every packet: to be translated, assembled and verified takes it microseconds, and a rule set that
 * loads in half a second instead of two is worth some nanoseconds. It also stands for the caches that much code does not fit.
 */
export const SLOT_WORTH = 0.004

/** Slots that the trees of one run may have as code. The verifier goes through at most a million instructions, of which other code needs some. */
export const MOST_SLOTS = 300_000

/** As many where constants are blinded: the kernel moves what is behind each of them, and takes a second for 20,000 slots and minutes for 150,000. */
export const CAUTIOUS_SLOTS = 1 << 14

/** The most that a tree may replicate rules where the run can be cut in another way. */
export const REPLICATION = 4

/** From so many rules on trees are made for a map, since as code they would cost more whatever the rules ask. */
export const LARGE = 1024

/** Slots of code that the chains of a program may have before their trees move into maps wherever they can. */
export const MOST_CODE = 1 << 13

/** So many runs of rules have maps of their own, and walks in place, which saves each packet a call. */
export const OWN_MAPS = 6

/** What of a tree tells its cost. */
export interface Measure {
  readonly branches: number
  readonly depth: number
  readonly candidates: number
  readonly fullest: number
}

export interface Cost {
  /** Of the packet that has the longest way. */
  readonly nanoseconds: number
  readonly slots: number
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** What a candidate of a leaf is asked, about. */
const QUESTIONS = 3

/** Trees as code, one after the other. */
export const codeCost = (trees: readonly Measure[]): Cost => ({
  nanoseconds: sum(
    trees.map(
      ({ depth, fullest }) =>
        nanoseconds.tree + nanoseconds.branch * depth + QUESTIONS * nanoseconds.question * fullest,
    ),
  ),
  slots: sum(trees.map(({ branches, candidates }) => slots.branch * branches + slots.candidate * candidates)),
})

/** Code that walks trees in a map, whose size does not depend on theirs. */
const WALK_SLOTS = 170

/** Trees in a map. */
export const mapCost = (trees: readonly Measure[]): Cost => ({
  nanoseconds:
    nanoseconds.walk +
    nanoseconds.answer +
    sum(
      trees.map(
        ({ depth, fullest }) =>
          nanoseconds.tree + nanoseconds.mapBranch * depth + nanoseconds.mapBox * fullest,
      ),
    ),
  slots: WALK_SLOTS,
})

/** A look-up in a hash map. */
export const hashCost: Cost = { nanoseconds: nanoseconds.hash, slots: slots.lookUp }

export const sumOf = (costs: readonly Cost[]): Cost => ({
  nanoseconds: sum(costs.map(({ nanoseconds }) => nanoseconds)),
  slots: sum(costs.map(({ slots }) => slots)),
})

/** One number to compare strategies by. */
export const total = ({ nanoseconds, slots }: Cost): number => nanoseconds + SLOT_WORTH * slots
