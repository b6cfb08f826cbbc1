// Rules that were put into a run of rules or taken out of it, while the blocks made of the run stay as they were.
//
// Let E be the boxes of all items of the rules that were put in or taken out since. A packet outside of every E meets the same rules as when the blocks
// were made, so the blocks are right about it. Of a packet inside of one nothing but the rules as they are now is asked: those of them whose boxes meet an E,
// in their order and narrowed to it, and where none decides the packet is past the run. So the order of the edits means nothing.

import type { Family } from 'iptables-parser'
import type { Block, Strategies } from '../chain.ts'
import { FieldSets } from '../field-sets.ts'
import { decides, type Item, narrow } from '../item.ts'
import { blocksOfRun } from '../run.ts'
import { intersect, isSame } from '../tree/interval.ts'

/** A run of rules whose blocks were made before. One rule stands in for it; `rules` of those it is now come behind that. */
export interface KeptRun {
  readonly blocks: readonly Block[]
  /** What the items ask of the rules that were put in or taken out since. */
  readonly edited: readonly FieldSets[]
  /** So many rules behind the one that stands in are of the run, and there because packets that `edited` is about may match them. */
  readonly rules: number
}

/** In place of the items of a run: the run, and the items that go with it. */
export interface KeptPart {
  readonly run: KeptRun
  /** The rule that stands in. */
  readonly rule: number
  readonly items: readonly Item[]
}

/** Items in order, and the runs that stand between them. */
export function withKept(items: readonly Item[], kept: Strategies['kept']): readonly (Item | KeptPart)[] {
  if (kept.size === 0) return items
  const parts: (Item | KeptPart)[] = []
  let own: Item[] = []
  let last = -1
  for (const item of items) {
    const run = kept.get(item.rule)
    if (run) {
      own = []
      last = item.rule + run.rules
      parts.push({ run, rule: item.rule, items: own })
    } else if (item.rule <= last) own.push(item)
    else parts.push(item)
  }
  return parts
}

/** The blocks of a run, under what has changed since in it. */
export function overlaid(
  { run: { blocks, edited }, rule, items }: KeptPart,
  family: Family,
  strategies: Strategies,
): readonly Block[] {
  if (edited.length === 0) return blocks
  const widest = edited.filter(
    (sets, at) => !edited.some((other, index) => isCovered(sets, at, other, index)),
  )
  const past = widest.map((sets): Item => ({ rule, sets, rest: [], outcome: { kind: 'past' } }))
  const over = [...items.flatMap(item => within(item, widest, family)), ...past]
  return [{ kind: 'overlaid', over: blocksOfRun(over, family, { ...strategies, ...soonest }), under: blocks }]
}

/** Whether a box lies in another; of two that are the same the second does. */
const isCovered = (sets: FieldSets, at: number, other: FieldSets, index: number): boolean =>
  at !== index && contains(other, sets) && (index < at || !contains(sets, other))

/** Another edit makes these blocks anew, so what is made soonest is best: where there are many rules, trees in a map. */
const soonest = { dispatch: 'never', map: 'always' } as const satisfies Partial<Strategies>

/** An item where packets are inside of one of the boxes. */
function within(item: Item, edited: readonly FieldSets[], family: Family): readonly Item[] {
  const own = FieldSets.of(item.sets)
  // so it is with a rule that was put in: it is asked once, even if packets go on behind it
  if (edited.some(sets => contains(sets, own))) return [item]
  if (!decides(item)) throw new RangeError('a rule that goes on cannot be asked in parts')
  return narrowedTo(own, edited, family).map(sets => ({ ...item, sets }))
}

/** Whether all that match `inner` match `outer`. */
const contains = (outer: FieldSets, inner: FieldSets): boolean =>
  [...outer].every(([field, set]) => {
    const other = inner.get(field)
    return other !== undefined && isSame(intersect(other, set), other)
  })

/** What is left of sets in each of others. */
export const narrowedTo = (
  sets: FieldSets,
  others: readonly FieldSets[],
  family: Family,
): readonly FieldSets[] =>
  others.flatMap(other => {
    let both: FieldSets | undefined = sets
    for (const [field, set] of other) both = both && narrow(both, { kind: 'set', field, set }, family)
    return both ?? []
  })
