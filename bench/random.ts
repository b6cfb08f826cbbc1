// Numbers that look random and are the same in every run: a benchmark names its seed, so that anyone can have its rules again.

/** Whole numbers from 0 to below `limit`, at most 2^32. */
export type Random = (limit: number) => number

/** A generator of its own for each seed: 32 bits of state, mixed by the finaliser of MurmurHash3. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return limit => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    mixed = (mixed ^ (mixed >>> 16)) >>> 0
    return Math.floor((mixed / 2 ** 32) * limit)
  }
}

/** One of some values, by weight; the weights need not add up to anything. */
export function pick<T>(random: Random, choices: readonly (readonly [weight: number, value: T])[]): T {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = (random(1_000_000) / 1_000_000) * total
  for (const [weight, value] of choices) {
    left -= weight
    if (left < 0) return value
  }
  const [, last] = choices.at(-1) ?? []
  if (last === undefined) throw new RangeError('nothing to pick from')
  return last
}
