// Counters: which rule counts where. A slot outlives generations: the same rule keeps its slot, so a swap of programs has nothing
// to copy and nothing to lose. Slots are numbered through a list of per-CPU arrays, since an array cannot grow but a list can.
//
// All that counts has an order, that of iptables-save: of each chain its policy, where it has one, and then its rules.

import {
  type Chain,
  type Family,
  printAppend,
  printRule,
  type Ruleset,
  type TableName,
  writtenRule,
} from 'iptables-parser'

/** Something that counts: a rule, or with number 0 the policy of a base chain. */
export interface Counted {
  readonly family: Family
  readonly table: TableName
  readonly chain: string
  /** From 1 within the chain; 0 is the policy. */
  readonly number: number
  /** As iptables-save prints it: `-A INPUT …`, or `:INPUT DROP`. */
  readonly rule: string
}

/** One pinned PERCPU_ARRAY of {u64 packets, u64 bytes}. */
export interface CounterArray {
  readonly name: string
  readonly entries: number
}

/** Where everything of a generation counts. */
export interface CounterLayout {
  readonly arrays: readonly CounterArray[]
  /** The slot of each that counts, in order; slot n lies in the first array that n, less the entries of the arrays before it, still fits in. */
  readonly slots: readonly number[]
}

/** The smallest array; also the room that a small rule set has to grow. */
const LEAST_ENTRIES = 1024

/** How many of a chain count. */
export const countingIn = ({ policy, rules }: Chain): number => (policy ? 1 : 0) + rules.length

/** Of rule sets met before. */
const counted = new WeakMap<Ruleset, readonly Counted[]>()

/** Rule sets that hold the same rules as others. */
const alike = new WeakMap<Ruleset, Ruleset>()

/** Says that `copy` holds the rules of `original` but for what they have counted, and gives it back: rules that are copies have to be printed, others as often as not stand in a text. */
export function countsAs(original: Ruleset, copy: Ruleset): Ruleset {
  alike.set(copy, original)
  return copy
}

/** All that counts in some rule sets, in order. Prints every rule, once: where the number will do, see countingIn. */
export const countedRules = (rulesets: readonly Ruleset[]): Counted[] => rulesets.flatMap(countedIn)

function countedIn(given: Ruleset): readonly Counted[] {
  const ruleset = alike.get(given) ?? given
  const known = counted.get(ruleset)
  if (known) return known
  const rules: Counted[] = []
  for (const table of ruleset.tables)
    for (const chain of table.chains) countChain(rules, ruleset.family, table.name, chain)
  counted.set(ruleset, rules)
  return rules
}

function countChain(into: Counted[], family: Family, table: TableName, { name, policy, rules }: Chain): void {
  if (policy) into.push({ family, table, chain: name, number: 0, rule: `:${name} ${policy}` })
  const append = printAppend(name, { matches: [] }, family)
  let number = 0
  for (const rule of rules) {
    const text = append + (writtenRule(rule) ?? printRule(rule, family))
    into.push({ family, table, chain: name, number: ++number, rule: text })
  }
}

/** A key for each: its text, and where a chain holds the same text more than once, which of them it is. A policy's key does not name its verdict. */
export function counterKeys(counted: readonly Counted[]): string[] {
  const seen = new Map<string, number>()
  return counted.map(({ family, table, chain, number, rule }) => {
    const key = `${family} ${table} ${number === 0 ? `:${chain}` : rule}`
    const nth = (seen.get(key) ?? 0) + 1
    seen.set(key, nth)
    return nth === 1 ? key : `${key} #${nth}`
  })
}

const keys = new WeakMap<Ruleset, readonly string[]>()

/** The keys of all that counts in some rule sets, at most one of a family, in order. */
export const rulesetKeys = (rulesets: readonly Ruleset[]): string[] => rulesets.flatMap(keysIn)

function keysIn(given: Ruleset): readonly string[] {
  const ruleset = alike.get(given) ?? given
  const known = keys.get(ruleset)
  if (known) return known
  const made = counterKeys(countedIn(ruleset))
  keys.set(ruleset, made)
  return made
}

/** What is in use before slots are assigned. */
export interface SlotsInUse {
  readonly arrays: readonly CounterArray[]
  /** May still be counted into by a packet in flight: they are free only after the next generation. */
  readonly taken: Iterable<number>
}

/** Gives each that counts its slot: the one it carries on with, else one that is free. Arrays are only ever added. */
export function assignSlots(
  carried: readonly (number | undefined)[],
  { arrays, taken }: SlotsInUse = { arrays: [], taken: [] },
): CounterLayout {
  const used = new Set(taken)
  for (let at = 0; at < carried.length; at++) {
    const slot = carried[at]
    if (slot !== undefined) used.add(slot)
  }
  let next = 0
  const slots = carried.map(slot => {
    if (slot !== undefined) return slot
    while (used.has(next)) next++
    return next++
  })
  return { arrays: growArrays(arrays, slots), slots }
}

/** Slots for rule sets that nothing was loaded before. */
export function newLayout(rulesets: readonly Ruleset[]): CounterLayout {
  const chains = rulesets.flatMap(({ tables }) => tables.flatMap(table => table.chains))
  const count = chains.reduce((sum, chain) => sum + countingIn(chain), 0)
  return assignSlots(Array.from({ length: count }))
}

function growArrays(arrays: readonly CounterArray[], slots: readonly number[]): CounterArray[] {
  let needed = 0
  for (let at = 0; at < slots.length; at++) needed = Math.max(needed, (slots[at] ?? 0) + 1)
  const grown = [...arrays]
  let room = arrays.reduce((sum, array) => sum + array.entries, 0)
  while (room < needed) {
    const entries = Math.max(LEAST_ENTRIES, 2 ** Math.ceil(Math.log2(needed)) - room)
    grown.push({ name: `counters${grown.length}`, entries })
    room += entries
  }
  return grown
}

export interface CounterPlace {
  readonly array: CounterArray
  readonly index: number
  readonly slot: number
}

/** The array and index of a slot. Throws RangeError where the layout has no such slot. */
export function counterPlace({ arrays }: Pick<CounterLayout, 'arrays'>, slot: number): CounterPlace {
  let index = slot
  for (let at = 0; at < arrays.length; at++) {
    const array = arrays[at] as CounterArray
    if (index < array.entries) return { array, index, slot }
    index -= array.entries
  }
  throw new RangeError(`there is no counter slot ${slot}`)
}
