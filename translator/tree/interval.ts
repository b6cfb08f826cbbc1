// Sets of values of one field, as sorted, disjoint, half-open intervals.

/** A value of a field: a number up to 32 bits, a bigint beyond (IPv6 addresses, device names). A field keeps to one of them. */
export type Point = number | bigint

/** `low` up to but without `end`. */
export interface Interval {
  readonly low: Point
  readonly end: Point
}

export type IntervalSet = readonly Interval[]

const after = (point: Point): Point => (typeof point === 'bigint' ? point + 1n : point + 1)

export const single = (point: Point): IntervalSet =>
  typeof point === 'number' && point < MOST_SHARED ? sharedSingle(point) : newSingle(point)

const newSingle = (point: Point): IntervalSet => [{ low: point, end: after(point) }]

/** Ports, protocols and the like are asked for over and over: of each there is one set. */
const MOST_SHARED = 1 << 16
/** By the upper and the lower eight bits: a map of so many would be made anew again and again while it grows. */
const shared: (IntervalSet | undefined)[][] = []

function sharedSingle(point: number): IntervalSet {
  shared[point >> 8] ??= []
  const page = shared[point >> 8] as (IntervalSet | undefined)[]
  page[point & 0xff] ??= newSingle(point)
  return page[point & 0xff] as IntervalSet
}

/**
 * A text for each point of a field, for maps and sets: V8 hashes a bigint by its lower 64 bits, which all prefixes of an IPv6 list have in common. Numbers
 * become two characters, which takes a fraction of the time of spelling them; the end behind the last of 32 bits becomes that of 0, where no interval ends.
 */
export const keyOfPoint = (point: Point): string =>
  typeof point === 'number' ? String.fromCharCode(point >>> 16, point & 0xffff) : `${point.toString(16)} `

/** Both ends inclusive. */
export const inclusive = (low: Point, high: Point): IntervalSet =>
  low === high ? single(low) : [{ low, end: after(high) }]

export const containsPoint = (set: IntervalSet, point: Point): boolean =>
  set.some(({ low, end }) => low <= point && point < end)

export function isSame(a: IntervalSet | undefined, b: IntervalSet | undefined): boolean {
  if (a === b) return true
  if (!a || !b || a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) {
    const one = a[at] as Interval
    const other = b[at] as Interval
    if (one.low !== other.low || one.end !== other.end) return false
  }
  return true
}

/** Whether the set is of one value. */
export function isSingle(set: IntervalSet | undefined): boolean {
  const only = set?.[0]
  if (!only || set?.length !== 1) return false
  return typeof only.low === 'bigint' ? only.low + 1n === only.end : only.low + 1 === only.end
}

/** Sorts, and joins what overlaps or touches. */
export function normalise(intervals: readonly Interval[]): IntervalSet {
  if (isNormal(intervals)) return intervals
  const sorted = intervals.toSorted((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0))
  const joined: Interval[] = []
  for (const interval of sorted) {
    const last = joined.at(-1)
    if (last && interval.low <= last.end)
      joined[joined.length - 1] = { low: last.low, end: interval.end > last.end ? interval.end : last.end }
    else joined.push(interval)
  }
  return joined
}

/** Most are: rules are written with one range, or with several in order. */
function isNormal(intervals: readonly Interval[]): boolean {
  for (let at = 1; at < intervals.length; at++)
    if ((intervals[at] as Interval).low <= (intervals[at - 1] as Interval).end) return false
  return true
}

/** What of a domain is not in a set. */
export function complement(set: IntervalSet, domain: Interval): IntervalSet {
  const gaps: Interval[] = []
  let { low } = domain
  for (const interval of set) {
    if (low < interval.low) gaps.push({ low, end: interval.low })
    low = interval.end
  }
  if (low < domain.end) gaps.push({ low, end: domain.end })
  return gaps
}

export function intersect(a: IntervalSet, b: IntervalSet): IntervalSet {
  const both: Interval[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const x = a[i]
    const y = b[j]
    if (!x || !y) break
    const low = x.low > y.low ? x.low : y.low
    const end = x.end < y.end ? x.end : y.end
    if (low < end) both.push({ low, end })
    if (x.end < y.end) i++
    else j++
  }
  return both
}
