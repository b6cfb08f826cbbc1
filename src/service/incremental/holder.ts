// A rule that has a key in a block, as one number: its counter slot and what happens to the packet. Where several have the same key, the map holds the
// first of them in the chain.

import type { Item } from '../../../translator/item.ts'

export type OutcomeKind = Item['outcome']['kind']

const kinds = ['accept', 'drop', 'return', 'continue', 'hotdrop'] as const

export const holderOf = (slot: number, kind: OutcomeKind): number => {
  const code = (kinds as readonly string[]).indexOf(kind)
  if (code < 0) throw new RangeError(`a look-up cannot ${kind}`)
  return slot * 8 + code
}

export const slotOf = (holder: number): number => Math.floor(holder / 8)

export function kindOf(holder: number): OutcomeKind {
  const kind = kinds[holder % 8]
  if (!kind) throw new RangeError(`${holder} says nothing`)
  return kind
}
