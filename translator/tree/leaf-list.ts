// The leaves of trees, those with the same boxes once. There are about as many as rules.

import { HashIndex, mix, SEED, spread } from '../hash-index.ts'
import type { BoxList } from './box-list.ts'

export class LeafList {
  /** The boxes of each. */
  readonly all: BoxList[] = []
  readonly #index = new HashIndex()

  /** The number of the leaf with these boxes. */
  add(boxes: BoxList): number {
    const number = this.#index.add(hashOf(boxes), known => isSame(this.all[known], boxes))
    if (number === this.all.length) this.all.push(boxes)
    return number
  }
}

function hashOf({ ids, from, length }: BoxList): number {
  let hash = SEED
  for (let at = from; at < from + length; at++) hash = mix(hash, ids[at] as number)
  return spread(hash)
}

function isSame(a: BoxList | undefined, b: BoxList): boolean {
  if (a?.length !== b.length) return false
  for (let at = 0; at < b.length; at++) if (a.ids[a.from + at] !== b.ids[b.from + at]) return false
  return true
}
