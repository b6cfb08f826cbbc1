// Rules that look-ups hold, so that programs can be made anew without reading them.

import type { Held } from '../../../translator/edit/stand-in.ts'
import type { EditedText, IndexedBlock } from './index-file.ts'

export type HeldRules = Held<IndexedBlock>

/** Shorter look-ups are read: that is as quick, and they may be others once rules come beside them. */
const LEAST_RULES = 64

/** The long stretches that look-ups hold alone and whole. */
export function heldRules(blocks: readonly IndexedBlock[]): readonly HeldRules[] {
  const held = new Map<string, IndexedBlock[]>()
  for (const block of blocks) {
    // edits have emptied it
    if (block.last < block.first) continue
    const place = `${block.first} ${block.last}`
    held.set(place, [...(held.get(place) ?? []), block])
  }
  const all = [...held.values()].map(together => {
    const [{ first = 0, last = 0 } = {}] = together
    return { first, last, blocks: together }
  })
  const isApart = (one: HeldRules): boolean =>
    all.every(other => other === one || one.last < other.first || other.last < one.first)
  return all.filter(one => one.last - one.first >= LEAST_RULES && holdsAll(one) && isApart(one))
}

/** Whether the look-ups hold all that the rules come to, on both sides of a split. */
function holdsAll({ first, last, blocks }: HeldRules): boolean {
  const [path = []] = blocks.map(block => block.path)
  const sides = new Set(blocks.map(block => block.path[1]))
  return (
    first > 0 &&
    first <= last &&
    blocks.every(block => block.complete && block.path[0] === path[0] && block.path.length === path.length) &&
    (path.length === 1 || (path.length === 3 && sides.size === 2))
  )
}

/** The rules that were put in there or taken out, without the look-ups. */
export const editedIn = ({ blocks }: HeldRules): readonly EditedText[] => [
  ...new Map(blocks.flatMap(({ edited }) => edited.map(one => [one.rule, one] as const))).values(),
]
