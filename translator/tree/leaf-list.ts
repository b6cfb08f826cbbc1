// The leaves of trees, those with the same boxes once. There are about as many as rules.

import { HashIndex, mix, SEED, spread } from '../hash-index.ts'

export class LeafList {
  /** The boxes of each. */
  readonly all: Int32Array[] = []
  readonly #index = new HashIndex()

  /** The number of the leaf with these boxes. */
  add(ids: Int32Array): number {
    const number = this.#index.add(hashOf(ids), known => isSame(this.all[known], ids))
    if (number === this.all.length) this.all.push(ids)
    return number
  }
}

function hashOf(ids: Int32Array): number {
  let hash = SEED
  for (let at = 0; at < ids.length; at++) hash = mix(hash, ids[at] ?? 0)
  return spread(hash)
}

function isSame(a: Int32Array | undefined, b: Int32Array): boolean {
  if (a?.length !== b.length) return false
  for (let at = 0; at < b.length; at++) if (a[at] !== b[at]) return false
  return true
}
