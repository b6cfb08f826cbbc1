// Rules that were put into a run of rules or taken out of it, while the blocks made of the run stay as they were.
//
// Let E be the boxes of all items of the rules that were put in or taken out since. A packet outside of every E meets the same rules as when the blocks
// were made, so the blocks are right about it. Of a packet inside of one nothing but the rules as they are now is asked: those of them whose boxes meet an E,
// in their order and narrowed to it, and where none decides the packet is past the run. So the order of the edits means nothing.

import type { Family } from 'iptables-parser'
import { type Block, blocksOf, type Strategies } from '../chain.ts'
import { domain } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import { decides, type Item, narrow } from '../item.ts'
import { blocksOfRun } from '../run.ts'
import { complement, type IntervalSet, intersect, isSame } from '../tree/interval.ts'
import type { Between } from './parted.ts'

/** A run of rules whose blocks were made before. One rule stands in for it, and others come behind that. */
export interface KeptRun {
  /** The blocks; of look-ups, how many rules come first that make them (stand-in.ts). */
  readonly under: readonly Block[] | { readonly standIns: number }
  /** What the items ask of the rules that were put in or taken out since. */
  readonly edited: readonly FieldSets[]
  /** So many rules come then: those of the run as it is now that packets which `edited` is about may match, and those put in between. */
  readonly rules: number
  /** What was put in between, and is none of `edited`. */
  readonly between?: Between
}

/** In place of the items of a run: the run, and the items that go with it. */
export interface KeptPart {
  readonly run: KeptRun
  /** The rule that stands in. */
  readonly rule: number
  readonly standIns: readonly Item[]
  readonly items: readonly Item[]
}

/** Items in order, and the runs that stand between them. */
export function withKept(items: readonly Item[], kept: Strategies['kept']): readonly (Item | KeptPart)[] {
  if (kept.size === 0) return items
  const parts: (Item | KeptPart)[] = []
  let [standIns, own]: [Item[], Item[]] = [[], []]
  let [lastStandIn, last] = [-1, -1]
  for (const item of items) {
    const run = kept.get(item.rule)
    if (run) {
      standIns = []
      own = []
      lastStandIn = item.rule + ('standIns' in run.under ? run.under.standIns : 0)
      last = lastStandIn + run.rules
      parts.push({ run, rule: item.rule, standIns, items: own })
    } else if (item.rule <= lastStandIn) standIns.push(item)
    else if (item.rule <= last) own.push(item)
    else parts.push(item)
  }
  return parts
}

/** The blocks of a run, under what has changed since in it. */
export function overlaid(part: KeptPart, family: Family, strategies: Strategies): readonly Block[] {
  const { run, rule, standIns, items } = part
  const { under: made, edited } = run
  const whole = 'standIns' in made ? blocksOfRun(standIns, family, strategies) : made
  const under = run.between ? [partedBy(part, run.between, whole, family, strategies)] : whole
  if (edited.length === 0) return under
  const widest = edited.filter(
    (sets, at) => !edited.some((other, index) => isCovered(sets, at, other, index)),
  )
  const past = widest.map((sets): Item => ({ rule, sets, rest: [], outcome: { kind: 'past' } }))
  const over = [...items.flatMap(item => within(item, widest, family)), ...past]
  const large = Math.min(strategies.large, LARGE)
  return [{ kind: 'overlaid', over: blocksOfRun(over, family, { ...strategies, ...soonest, large }), under }]
}

/** The blocks with rules in between. */
function partedBy(
  { run: { under: made }, rule, items }: KeptPart,
  { ranks, places }: Between,
  under: readonly Block[],
  family: Family,
  strategies: Strategies,
): Block {
  const first = rule + ('standIns' in made ? made.standIns : 0) + 1
  const between = places.map(place => {
    const rules = new Set(place.map(at => first + at))
    return blocksOf(
      items.filter(item => rules.has(item.rule)),
      family,
      { ...strategies, ...soonest, kept: new Map() },
    )
  })
  return { kind: 'parted', between, under, ranks }
}

/** Whether a box lies in another; of two that are the same the second does. */
const isCovered = (sets: FieldSets, at: number, other: FieldSets, index: number): boolean =>
  at !== index && contains(other, sets) && (index < at || !contains(sets, other))

/** Another edit makes these blocks anew, so what is made soonest is best: where there are many rules, trees in a map. */
const soonest = {
  dispatch: 'never',
  map: 'always',
  edited: new Set<number>(),
} as const satisfies Partial<Strategies>

/** From so many items on the trees of an overlay have large leaves, with a third of the branches: few packets come there, and each edit makes them again. */
const LARGE = 512

/** An item where packets are inside of one of the boxes. */
function within(item: Item, edited: readonly FieldSets[], family: Family): readonly Item[] {
  const own = FieldSets.of(item.sets)
  // so it is with a rule that was put in: it is asked once, even if packets go on behind it
  if (edited.some(sets => contains(sets, own))) return [item]
  const parts = narrowedTo(own, edited, family)
  return (decides(item) ? parts : apart(parts, family)).map(sets => ({ ...item, sets }))
}

/** Boxes that hold what these do, none of which has packets in common with another: a rule that goes on is met once. */
function apart(boxes: readonly FieldSets[], family: Family): readonly FieldSets[] {
  const disjoint: FieldSets[] = []
  for (const box of boxes) {
    let left: readonly FieldSets[] = [box]
    for (const other of disjoint) left = left.flatMap(part => without(part, other, family))
    disjoint.push(...left)
  }
  return disjoint
}

/** What of a box is not in another: for each field, what is beside the other there and within it in the fields before. */
function without(box: FieldSets, other: FieldSets, family: Family): readonly FieldSets[] {
  if (!meet(box, other)) return [box]
  const parts: FieldSets[] = []
  let within: FieldSets | undefined = box
  for (const [field, set] of other) {
    const beside = complement(set, domain(field, family))
    const part = within && narrow(within, { kind: 'set', field, set: beside }, family)
    if (part) parts.push(part)
    within = within && narrow(within, { kind: 'set', field, set }, family)
  }
  return parts
}

/** Whether all that match `inner` match `outer`. */
function contains(outer: FieldSets, inner: FieldSets): boolean {
  for (const [at, field] of outer.names.entries()) {
    const other = inner.get(field)
    if (!other || !holdsAll(outer.at(at), other)) return false
  }
  return true
}

/** Whether packets can match both. */
function meet(one: FieldSets, other: FieldSets): boolean {
  for (const [at, field] of other.names.entries()) {
    const set = one.get(field)
    if (set && !overlap(set, other.at(at))) return false
  }
  return true
}

// most sets are one interval, and rules are compared by the thousand

function holdsAll(outer: IntervalSet, inner: IntervalSet): boolean {
  const [[a], [b]] = [outer, inner]
  if (!a || !b || outer.length > 1 || inner.length > 1) return isSame(intersect(inner, outer), inner)
  return a.low <= b.low && b.end <= a.end
}

function overlap(one: IntervalSet, other: IntervalSet): boolean {
  const [[a], [b]] = [one, other]
  if (!a || !b || one.length > 1 || other.length > 1) return intersect(one, other).length > 0
  return a.low < b.end && b.low < a.end
}

/** What is left of sets in each of others. */
export const narrowedTo = (
  sets: FieldSets,
  others: readonly FieldSets[],
  family: Family,
): readonly FieldSets[] =>
  others.flatMap(other => {
    if (!meet(sets, other)) return []
    let both: FieldSets | undefined = sets
    for (const [field, set] of other) both = both && narrow(both, { kind: 'set', field, set }, family)
    return both ?? []
  })
