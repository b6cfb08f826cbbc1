// Sets of intervals against sets of points, on domains small enough to try every point.

import test from 'ava'
import fc from 'fast-check'
import {
  complement,
  containsPoint,
  type Interval,
  type IntervalSet,
  inclusive,
  intersect,
  normalise,
  type Point,
  single,
} from '../../../translator/tree/interval.ts'

const SIZE = 24
const points = Array.from({ length: SIZE }, (_, index) => index)

const interval = fc
  .tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }))
  .map(([low, length]): Interval => ({ low, end: Math.min(low + length, SIZE) }))

const intervals = fc.array(interval, { maxLength: 6 })

const set = intervals.map(normalise)

const widened = (intervals: IntervalSet): IntervalSet =>
  intervals.map(({ low, end }) => ({ low: BigInt(low), end: BigInt(end) }))

const pointsOf = (set: IntervalSet): readonly number[] => points.filter(point => containsPoint(set, point))

/** Sorted, and with a gap between each and the next. */
const isNormal = (set: IntervalSet): boolean =>
  set.every(({ low, end }, index) => {
    const before = set[index - 1]
    return low < end && (before === undefined || before.end < low)
  })

test('to normalise keeps the points and joins what touches', t => {
  fc.assert(
    fc.property(intervals, given => {
      t.deepEqual(pointsOf(normalise(given)), pointsOf(given))
      t.true(isNormal(normalise(given)))
    }),
  )
  t.deepEqual(normalise([...single(1), ...single(0), ...inclusive(2, 4)]), [{ low: 0, end: 5 }])
})

test('the complement holds what the set does not', t => {
  fc.assert(
    fc.property(set, given => {
      const rest = complement(given, { low: 0, end: SIZE })
      t.deepEqual(
        pointsOf(rest),
        points.filter(point => !containsPoint(given, point)),
      )
      t.true(isNormal(rest))
      t.deepEqual(complement(rest, { low: 0, end: SIZE }), given)
    }),
  )
})

test('an intersection holds what both sets do', t => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const both = intersect(a, b)
      t.deepEqual(
        pointsOf(both),
        pointsOf(a).filter(point => containsPoint(b, point)),
      )
      t.true(isNormal(both))
    }),
  )
})

test('wide points behave as narrow ones do', t => {
  const narrow = (set: IntervalSet) => set.map(({ low, end }) => ({ low: Number(low), end: Number(end) }))
  fc.assert(
    fc.property(set, set, (a, b) => {
      t.deepEqual(narrow(intersect(widened(a), widened(b))), intersect(a, b))
      t.deepEqual(
        narrow(complement(widened(a), { low: 0n, end: BigInt(SIZE) })),
        complement(a, { low: 0, end: SIZE }),
      )
      t.deepEqual(narrow(normalise(widened(a))), a)
    }),
  )
})

test('one point and both ends', t => {
  const cases: readonly (readonly [IntervalSet, Point, Point])[] = [
    [single(7), 7, 8],
    [single(7n), 7n, 8n],
    [inclusive(0, 65535), 0, 65536],
    [inclusive(0n, 2n ** 128n - 1n), 0n, 2n ** 128n],
  ]
  for (const [set, low, end] of cases) t.deepEqual(set, [{ low, end }])
})
