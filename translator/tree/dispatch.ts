// Long runs of rules of one shape, each for other exact values: blacklists, per-host rules, five-tuples. One look-up in a hash map says
// which of them a packet meets, whatever their number.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { SetTest } from '../test.ts'
import { setTest } from '../test.ts'
import type { IntervalSet, Point } from './interval.ts'

/** From so many rules on a look-up beats a tree: it loads faster by far, and a tree of fewer is hardly deeper than a look-up is long. */
export const LEAST_DISPATCH = 64

export interface Dispatch {
  readonly kind: 'dispatch'
  /** The fields whose values make the key. */
  readonly fields: readonly FieldName[]
  /** What all rules of the run ask alike. */
  readonly common: readonly SetTest[]
  readonly cases: readonly DispatchCase[]
  /** Later rules for the values of a case, in order: no packet comes to them. */
  readonly shadowed: readonly DispatchCase[]
}

export interface DispatchCase {
  /** A value for each field. */
  readonly values: readonly Point[]
  readonly item: Item
}

export type Segment = Dispatch | { readonly kind: 'rest'; readonly items: readonly Item[] }

/** Cuts a run into what can be dispatched, in runs of at least so many rules, and what cannot, in order. */
export function segmentsOf(items: readonly Item[], family: Family, least: number): Segment[] {
  const segments: Segment[] = []
  let rest: Item[] = []
  for (let at = 0; at < items.length; ) {
    const run = runFrom(items, at, family)
    const length = run?.length ?? 1
    if (run && length >= least) {
      if (rest.length > 0) segments.push({ kind: 'rest', items: rest })
      rest = []
      segments.push(run.dispatch())
    } else rest.push(...items.slice(at, at + length))
    at += length
  }
  if (rest.length > 0) segments.push({ kind: 'rest', items: rest })
  return segments
}

interface Run {
  readonly length: number
  dispatch(): Dispatch
}

/** The longest run that begins at an index; undefined where the item there cannot be in any. */
function runFrom(items: readonly Item[], start: number, family: Family): Run | undefined {
  const first = items[start]
  const shape = first && shapeOf(first)
  if (!first || !shape) return undefined
  const cases = new Map<string, DispatchCase>()
  const shadowed: DispatchCase[] = []
  let end = start
  for (; end < items.length; end++) {
    const item = items[end]
    if (!item || !hasShape(item, first, shape)) break
    const values = shape.fields.map(field => item.sets.get(field)?.[0]?.low ?? domain(field, family).low)
    const key = values.join()
    const known = cases.get(key)
    // a later rule for the same values is met only where the first does not decide
    if (known?.item.outcome.kind === 'continue') break
    if (known) shadowed.push({ values, item })
    else cases.set(key, { values, item })
  }
  const common = shape.common.map(field => setTest(field, first.sets.get(field) ?? []))
  return {
    length: end - start,
    dispatch: () => ({
      kind: 'dispatch',
      fields: shape.fields,
      common,
      cases: [...cases.values()],
      shadowed,
    }),
  }
}

interface Shape {
  /** Asked for one value. */
  readonly fields: readonly FieldName[]
  /** Asked for more than one. */
  readonly common: readonly FieldName[]
}

function shapeOf({ sets, rest, outcome }: Item): Shape | undefined {
  if (rest.length > 0 || outcome.kind === 'jump' || outcome.kind === 'goto') return undefined
  const fields = [...sets.keys()].filter(field => isSingle(sets.get(field)))
  const common = [...sets.keys()].filter(field => !isSingle(sets.get(field)))
  return fields.length > 0 ? { fields: fields.sort(), common: common.sort() } : undefined
}

function hasShape(item: Item, first: Item, shape: Shape): boolean {
  if (item.rest.length > 0 || 'chain' in item.outcome || item.sets.size !== first.sets.size) return false
  return (
    shape.fields.every(field => isSingle(item.sets.get(field))) &&
    shape.common.every(field => isSame(item.sets.get(field), first.sets.get(field)))
  )
}

function isSingle(set: IntervalSet | undefined): boolean {
  const [only] = set ?? []
  if (!only || set?.length !== 1) return false
  return typeof only.low === 'bigint' ? only.low + 1n === only.end : only.low + 1 === only.end
}

const isSame = (a: IntervalSet | undefined, b: IntervalSet | undefined): boolean =>
  a?.length === b?.length &&
  (a ?? []).every(({ low, end }, index) => low === b?.[index]?.low && end === b[index]?.end)
