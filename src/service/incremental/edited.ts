// Which rules commands put in one by one. More like them are likely to come, so where making programs anew takes long, such rules become look-ups
// however few they are, and the next edit is a map update.

import type { Live } from '../live.ts'
import type { Change, Plan } from '../plan.ts'

/** Where all rules are fewer, a new generation takes little longer than Node.js takes to start, and look-ups more than trees. */
const LARGE = 1000

/** A file of more rules is no series of single edits. */
const MOST_AT_ONCE = 16
const MOST_KEPT = 64

/** The slots of rules put in by commands, those of the changes included, that are still there. */
export function editedSlots(
  live: Live | undefined,
  changes: readonly Change[],
  plan: Plan,
): readonly number[] {
  if (!live) return []
  const single = changes.every(({ carry }) => carry.kind === 'identity') && plan.fresh.size <= MOST_AT_ONCE
  const edited = [...(live.edited ?? []), ...(single ? plan.fresh.keys() : [])]
  if (edited.length === 0) return edited
  const slots = new Set(plan.layout.slots)
  return [...new Set(edited)].filter(slot => slots.has(slot)).slice(-MOST_KEPT)
}

/** Their indices among all that counts; none where there are few rules in all. */
export function editedRules({ layout }: Plan, edited: readonly number[]): ReadonlySet<number> {
  if (edited.length === 0 || layout.slots.length < LARGE) return new Set()
  const slots = new Set(edited)
  return new Set(layout.slots.flatMap((slot, index) => (slots.has(slot) ? [index] : [])))
}
