// Long runs of rules of one shape, each for other exact values: blacklists, per-host rules, five-tuples. One look-up in a hash map says
// which of them a packet meets, whatever their number.

import type { FieldName } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import { type Item, isFinal } from '../item.ts'
import type { SetTest } from '../test.ts'
import { setTest } from '../test.ts'
import { isSame, isSingle, keyOfPoint, type Point } from './interval.ts'
import { ShapeMap } from './shape.ts'

/** From so many rules on a look-up beats a tree: it loads faster by far, and a tree of fewer is hardly deeper than a look-up is long. */
export const LEAST_DISPATCH = 64

export interface Dispatch {
  readonly kind: 'dispatch'
  /** The fields whose values make the key. */
  readonly fields: readonly FieldName[]
  /** What all rules of the run ask alike. */
  readonly common: readonly SetTest[]
  /** One for each key. */
  readonly cases: readonly Item[]
  /** Later rules for the values of a case, in order: no packet comes to them. */
  readonly shadowed: readonly Item[]
}

/** The value that an item asks of each field of a look-up it is in. */
export const keyValues = ({ sets }: Item, fields: readonly FieldName[]): readonly Point[] =>
  fields.map(field => sets.get(field)?.[0]?.low ?? 0)

export type Segment = Dispatch | { readonly kind: 'rest'; readonly items: readonly Item[] }

/** Cuts a run into what can be dispatched, in runs of at least so many rules or with one of those `edited`, and what cannot, in order. */
export function segmentsOf(
  items: readonly Item[],
  least: number,
  edited: ReadonlySet<number> = new Set(),
): Segment[] {
  const segments: Segment[] = []
  const exact = new ExactFields(items)
  let rest: Item[] = []
  for (let at = 0; at < items.length; ) {
    const run = runFrom(items, exact, at, least, edited)
    if (run) {
      if (rest.length > 0) segments.push({ kind: 'rest', items: rest })
      rest = []
      for (const lookUp of run.lookUps) segments.push(dispatchOf(run.fields, lookUp))
      at += run.length
      continue
    }
    const next = edited.size > 0 ? at + 1 : exact.nextStart(at, least)
    for (; at < next; at++) {
      const item = items[at]
      if (item) rest.push(item)
    }
  }
  if (rest.length > 0) segments.push({ kind: 'rest', items: rest })
  return segments
}

/** Rules for exact values of the same fields. */
interface Run {
  readonly length: number
  readonly fields: readonly FieldName[]
  readonly lookUps: readonly LookUp[]
}

/** Those of a run that ask the same beside. */
interface LookUp {
  readonly common: readonly SetTest[]
  readonly cases: Map<Key, Item>
  readonly shadowed: Item[]
}

/** The values of a case as one. */
type Key = number | string

const dispatchOf = (fields: readonly FieldName[], { common, cases, shadowed }: LookUp): Dispatch => ({
  kind: 'dispatch',
  fields,
  common,
  cases: [...cases.values()],
  shadowed,
})

/** More kinds of what is asked beside the values end a run: each is a look-up more for a packet. */
const MOST_LOOK_UPS = 3

/**
 * The longest run that begins at an index and is worth its look-ups. Rules for different values can be asked in any order, so those that
 * ask different things beside, such as another extent of the transport header, may alternate.
 */
function runFrom(
  items: readonly Item[],
  exact: ExactFields,
  start: number,
  least: number,
  edited: ReadonlySet<number>,
): Run | undefined {
  const fields = exact.at(start)
  if (!fields) return undefined
  let ahead = start
  while (ahead < start + least && exact.at(ahead) === fields) ahead++
  const isEdited = (end: number): boolean =>
    edited.size > 0 && items.slice(start, end).some(({ rule }) => edited.has(rule))
  if (ahead < start + least && !isEdited(ahead)) return undefined
  for (const most of [MOST_LOOK_UPS, 1]) {
    const run = runOf(items, exact, start, most)
    if (run.length >= least * run.lookUps.length || isEdited(start + run.length)) return run
    // that may be no more was no matter to it
    if (run.lookUps.length === 1) return undefined
  }
  return undefined
}

function runOf(items: readonly Item[], exact: ExactFields, start: number, most: number): Run {
  const lookUps: LookUp[] = []
  const fields = exact.at(start) ?? []
  let end = start
  for (let item = items[end]; item && exact.at(end) === fields; item = items[++end]) {
    const lookUp = lookUpFor(item, fields, lookUps, most)
    if (!lookUp || !addCase(lookUps, lookUp, item, fields)) break
  }
  return { length: end - start, fields, lookUps }
}

/** For each item the fields of which it asks exact values, sorted; one object for all with the same. Found out when it is first asked. */
class ExactFields {
  readonly #items: readonly Item[]
  /** Those with no fields no look-up can hold. */
  readonly #known: (readonly FieldName[])[] = []
  readonly #shapes = new ShapeMap<readonly FieldName[]>()
  readonly #lists = new Map<string, readonly FieldName[]>()

  constructor(items: readonly Item[]) {
    this.#items = items
  }

  /** Undefined for what no look-up can hold. */
  at(index: number): readonly FieldName[] | undefined {
    const fields = this.#known[index] ?? this.#find(index)
    return fields.length === 0 ? undefined : fields
  }

  /**
   * The first index behind another at which so many of the same fields may begin that ask few things beside. The last of them is looked at first, so where rules
   * are of many shapes, or each asks something else beside, most are not looked at.
   */
  nextStart(start: number, count: number): number {
    const last = start + count
    if (last >= this.#items.length) return this.#items.length
    const fields = this.at(last)
    if (!fields) return last + 1
    const beside: FieldSets[] = [this.#setsOf(last)]
    let first = last
    while (first > start + 1 && this.at(first - 1) === fields && this.#asksFew(first - 1, beside)) first--
    return first
  }

  /** Whether what an item asks beside its exact values is one of as many things as a run has look-ups; those met so far grow. */
  #asksFew(index: number, met: FieldSets[]): boolean {
    const sets = this.#setsOf(index)
    for (let at = 0; at < met.length; at++) if (asksSameBeside(sets, met[at] as FieldSets)) return true
    return met.length < MOST_LOOK_UPS && met.push(sets) > 0
  }

  #setsOf(index: number): FieldSets {
    return FieldSets.of((this.#items[index] as Item).sets)
  }

  #find(index: number): readonly FieldName[] {
    const item = this.#items[index]
    const fields = item && item.rest.length === 0 ? this.#shapes.of(item, this.#list) : []
    this.#known[index] = fields
    return fields
  }

  readonly #list = (item: Item): readonly FieldName[] => {
    const fields = [...item.sets.keys()].filter(field => isSingle(item.sets.get(field))).sort()
    const key = fields.join()
    const known = this.#lists.get(key) ?? fields
    this.#lists.set(key, known)
    return known
  }
}

/** Whether two that ask exact values of the same fields ask the same of others. */
function asksSameBeside(one: FieldSets, other: FieldSets): boolean {
  if (one.size !== other.size) return false
  for (let at = 0; at < one.size; at++) {
    const set = one.at(at)
    if (!isSingle(set) && !isSame(set, other.get(one.names[at] as FieldName))) return false
  }
  return true
}

/** Whether an item that calls no chain asks for exact values of the fields and of no others. */
function isOfFields(item: Item | undefined, fields: readonly FieldName[]): boolean {
  if (!item || item.rest.length > 0 || 'chain' in item.outcome) return false
  let exact = 0
  for (const set of item.sets.values()) if (isSingle(set)) exact++
  return exact === fields.length && fields.every(field => isSingle(item.sets.get(field)))
}

/** The look-up of a run that the item belongs to, a new one if need be; undefined where the run would have too many. */
function lookUpFor(
  item: Item,
  fields: readonly FieldName[],
  lookUps: LookUp[],
  most: number,
): LookUp | undefined {
  const asked = item.sets.size - fields.length
  for (let at = 0; at < lookUps.length; at++) {
    const known = lookUps[at] as LookUp
    if (known.common.length === asked && (asked === 0 || asksAll(item, known.common))) return known
  }
  if (lookUps.length === most) return undefined
  const others = [...item.sets.keys()].filter(field => !fields.includes(field)).sort()
  const common = others.map(field => setTest(field, item.sets.get(field) ?? []))
  const added = { common, cases: new Map<Key, Item>(), shadowed: [] }
  lookUps.push(added)
  return added
}

const asksAll = ({ sets }: Item, tests: readonly SetTest[]): boolean =>
  tests.every(({ field, set }) => isSame(sets.get(field), set))

/** False where the run has to end before the case, to keep the order of rules for the same values. */
function addCase(
  lookUps: readonly LookUp[],
  lookUp: LookUp,
  added: Item,
  fields: readonly FieldName[],
): boolean {
  const key = keyOf(added, fields)
  const known = lookUp.cases.get(key)
  // a later rule for the same values is met only where the first does not decide
  if (known && !isFinal(known)) return false
  for (let behind = lookUps.indexOf(lookUp) + 1; behind < lookUps.length; behind++)
    if (lookUps[behind]?.cases.has(key)) return false
  if (known) lookUp.shadowed.push(added)
  else lookUp.cases.set(key, added)
  return true
}

/** The values that an item asks for, where a look-up for these fields behind these questions could hold it; undefined where not. */
export function valuesFor(
  item: Item,
  { fields, common }: Pick<Dispatch, 'fields' | 'common'>,
): readonly Point[] | undefined {
  if (!isOfFields(item, fields) || item.sets.size !== fields.length + common.length) return undefined
  if (!asksAll(item, common)) return undefined
  return keyValues(item, fields)
}

function keyOf({ sets }: Item, fields: readonly FieldName[]): Key {
  let key = ''
  for (let at = 0; at < fields.length; at++) {
    const value = sets.get(fields[at] as FieldName)?.[0]?.low ?? 0
    if (fields.length === 1 && typeof value === 'number') return value
    key += keyOfPoint(value)
  }
  return key
}
