/** A reproducible source of choices. */
export interface Random {
  /** A whole number in [0, bound). */
  readonly below: (bound: number) => number
  /** True with this probability. */
  readonly chance: (probability: number) => boolean
  /** One of the items. Throws RangeError where there are none. */
  readonly pick: <T>(items: readonly T[]) => T
  /** So many of the items, in their order; all where there are fewer. */
  readonly sample: <T>(items: readonly T[], count: number) => readonly T[]
}

/** mulberry32: 32 bits of state, the whole period of 2^32; good enough to choose test packets by. */
const mulberry32 = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same seed makes the same choices, on every machine. */
export const seeded = (seed: number): Random => {
  const next = mulberry32(seed)
  const below = (bound: number): number => Math.floor(next() * bound)
  const pick: Random['pick'] = items => {
    const [item] = items.slice(below(items.length))
    if (items.length === 0 || item === undefined) throw new RangeError('nothing to pick from')
    return item
  }
  const sample: Random['sample'] = (items, count) => {
    const order = items.map((item, index) => ({ item, index, rank: next() }))
    const chosen = order.toSorted((a, b) => a.rank - b.rank).slice(0, count)
    return chosen.toSorted((a, b) => a.index - b.index).map(({ item }) => item)
  }
  return { below, chance: probability => next() < probability, pick, sample }
}
