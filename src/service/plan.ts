// What the next generation is to be, worked out before anything is touched.

import { type Counters, type Family, noCounters, type Ruleset } from 'iptables-parser'
import { assignSlots, type CounterLayout } from '../../translator/counter.ts'
import { type Carry, type CountingRuleset, carriedSlots, countersOf } from './carry.ts'
import type { SavedRuleset } from './generation.ts'

/** The rules of a family that take the place of those in force. */
export interface Change {
  /** Holds our own tables and no other; none where the family is no longer ours. */
  readonly ruleset: Ruleset
  /** What to keep as its text. */
  readonly text: string
  readonly carry: Carry
  /** Counters that begin anew begin at those the rules were written with, not at zero. */
  readonly setCounters: boolean
}

/** A rule set in force. */
export interface LoadedRuleset extends CountingRuleset {
  readonly text: string
}

/** The rules in force, and the arrays they count in. */
export interface Loaded {
  readonly rulesets: readonly LoadedRuleset[]
  readonly counterArrays: CounterLayout['arrays']
  /** Slots that rules had which were taken out since; packets on their way may still count there. */
  readonly resting: readonly number[]
}

export interface Plan {
  readonly rulesets: readonly Ruleset[]
  readonly saved: readonly SavedRuleset[]
  readonly layout: CounterLayout
  /** Slots that must hold these counters before a program counts there. */
  readonly fresh: ReadonlyMap<number, Counters>
  /** All of these begin at zero. */
  readonly fromZero: boolean
  /** Families that stay as they are. */
  readonly unchanged: ReadonlySet<Family>
}

/** One family of the plan: its rules and what they take over. */
interface Part {
  readonly ruleset: Ruleset
  readonly text: string
  readonly carried: readonly (number | undefined)[]
  readonly initial: readonly (Counters | undefined)[]
}

/** Puts changes, at most one of a family, on top of what is loaded. */
export function planGeneration(loaded: Loaded, changes: readonly Change[]): Plan {
  const changed = new Map(changes.map(change => [change.ruleset.family, change]))
  const kept = loaded.rulesets.filter(({ ruleset }) => !changed.has(ruleset.family))
  const renewed = changes.filter(({ ruleset }) => ruleset.tables.length > 0)
  const parts = [...kept.map(keep), ...renewed.map(change => renew(change, loaded))].sort(byFamily)
  const rulesets = parts.map(({ ruleset }) => ruleset)
  const layout = layOut(loaded, parts)
  let fresh: Plan['fresh'] | undefined
  return {
    rulesets,
    saved: saveParts(parts, layout.slots),
    layout,
    get fresh() {
      fresh ??= freshSlots(parts, layout.slots)
      return fresh
    },
    fromZero: parts.every(({ initial }) => initial.every(isZero)),
    unchanged: new Set(kept.map(({ ruleset }) => ruleset.family)),
  }
}

/** Of what carries on as well as of what is new; most rules are written with nothing or zeros. */
const isZero = (counters: Counters | undefined): boolean =>
  !counters || (counters.packets === 0n && counters.bytes === 0n)

const byFamily = (a: Part, b: Part): number => a.ruleset.family - b.ruleset.family

const keep = ({ ruleset, text, slots }: LoadedRuleset): Part => ({
  ruleset,
  text,
  carried: slots,
  initial: [],
})

function renew({ ruleset, text, carry, setCounters }: Change, { rulesets }: Loaded): Part {
  const before = rulesets.find(loaded => loaded.ruleset.family === ruleset.family)
  return {
    ruleset,
    text,
    carried: carriedSlots(carry, ruleset, before),
    initial: setCounters ? countersOf(ruleset) : [],
  }
}

/** Slots for all; those of the generation before stay taken even where no rule of the next one uses them. */
function layOut({ rulesets, counterArrays, resting }: Loaded, parts: readonly Part[]): CounterLayout {
  const carried = parts.flatMap(part => part.carried)
  return assignSlots(carried, {
    arrays: counterArrays,
    taken: [...rulesets.flatMap(({ slots }) => slots), ...resting],
  })
}

function saveParts(parts: readonly Part[], slots: readonly number[]): SavedRuleset[] {
  let next = 0
  return parts.map(({ ruleset: { family }, text, carried }) => {
    const first = next
    next += carried.length
    return { family, text, slots: slots.slice(first, next) }
  })
}

function freshSlots(parts: readonly Part[], slots: readonly number[]): Map<number, Counters> {
  const fresh = new Map<number, Counters>()
  let next = 0
  for (const { carried, initial } of parts)
    for (let index = 0; index < carried.length; index++) {
      const slot = slots[next++]
      if (carried[index] === undefined && slot !== undefined) fresh.set(slot, initial[index] ?? noCounters)
    }
  return fresh
}
