// Numbers of things by a hash of what they are, for finding those that are the same among a hundred thousand without a text of each.

/** A power of two, as their number always is. */
const LEAST_ROOM = 256

export class HashIndex {
  readonly #hashes: number[] = []
  /** For each place the number of a thing and one more; 0 where there is none. It stands at its hash, or at the next place that was free. */
  #places: Int32Array

  /** With room for so many things, at least. */
  constructor(room = LEAST_ROOM) {
    let places = LEAST_ROOM
    while (places < 2 * room) places *= 2
    this.#places = new Int32Array(places)
  }

  /** The number of what has the hash and is the same; else that of the next one, which takes it. */
  add(hash: number, isSame: (number: number) => boolean): number {
    const at = this.#find(hash, isSame)
    const known = this.#places[at] ?? 0
    if (known > 0) return known - 1
    this.#places[at] = this.#hashes.push(hash)
    if (2 * this.#hashes.length > this.#places.length) this.#grow()
    return this.#hashes.length - 1
  }

  /** The place of what is the same, or where it would stand. */
  #find(hash: number, isSame: (number: number) => boolean): number {
    const last = this.#places.length - 1
    let at = hash & last
    for (let number = this.#places[at] ?? 0; number > 0; number = this.#places[at] ?? 0) {
      if (this.#hashes[number - 1] === hash && isSame(number - 1)) return at
      at = (at + 1) & last
    }
    return at
  }

  #grow(): void {
    const places = new Int32Array(2 * this.#places.length)
    const last = places.length - 1
    for (let number = 1; number <= this.#hashes.length; number++) {
      let at = (this.#hashes[number - 1] ?? 0) & last
      while (places[at] !== 0) at = (at + 1) & last
      places[at] = number
    }
    this.#places = places
  }
}

/** Where a hash begins. */
export const SEED = 0x811c_9dc5

/** A hash with one more number of up to 32 bits in it (FNV-1a, but for whole numbers). */
export const mix = (hash: number, number: number): number => Math.imul(hash ^ number, 0x0100_0193)

/** What the upper bits of a hash say brought down to where places are told by. */
export const spread = (hash: number): number => (hash ^ (hash >>> 15)) & 0x3fff_ffff
