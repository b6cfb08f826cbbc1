// The leaves of trees, those with the same boxes once. There are about as many as rules, so they are found by a hash of their boxes and not by a text of them.

export class LeafList {
  /** The boxes of each. */
  readonly all: Int32Array[] = []
  readonly #hashes: number[] = []
  /** For each place the number of a leaf and one more; 0 where there is none. A leaf stands at its hash, or at the next place that was free. */
  #places = new Int32Array(1024)

  /** The number of the leaf with these boxes. */
  add(ids: Int32Array): number {
    const hash = hashOf(ids)
    const at = this.#find(ids, hash)
    const known = this.#places[at] ?? 0
    if (known > 0) return known - 1
    this.#hashes.push(hash)
    this.#places[at] = this.all.push(ids)
    if (2 * this.all.length > this.#places.length) this.#grow()
    return this.all.length - 1
  }

  /** The place of a leaf, or where it would stand. */
  #find(ids: Int32Array, hash: number): number {
    const last = this.#places.length - 1
    let at = hash & last
    for (let number = this.#places[at] ?? 0; number > 0; number = this.#places[at] ?? 0) {
      if (this.#hashes[number - 1] === hash && isSame(this.all[number - 1], ids)) return at
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

/** FNV-1a, a number at a time. */
function hashOf(ids: Int32Array): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < ids.length; at++) hash = Math.imul(hash ^ (ids[at] ?? 0), 0x0100_0193)
  return (hash ^ (hash >>> 15)) & 0x3fff_ffff
}

function isSame(a: Int32Array | undefined, b: Int32Array): boolean {
  if (a?.length !== b.length) return false
  for (let at = 0; at < b.length; at++) if (a[at] !== b[at]) return false
  return true
}
