import test from 'ava'
import fc from 'fast-check'
import { columnOf } from '../../../translator/tree/column.ts'
import type { Interval } from '../../../translator/tree/interval.ts'

/** A field of few values, one of many, and a wide one: the first greater number is behind all of them. */
const domains: readonly Interval[] = [
  { low: 0, end: 6 },
  { low: 0, end: 256 },
  { low: 0, end: 2 ** 32 },
  { low: 0n, end: 1n << 128n },
]

/** Options take numbers that no header holds, of which the first is the end itself. */
const askedOf = ({ low, end }: Interval): fc.Arbitrary<Interval> => {
  const first = typeof end === 'bigint' ? fc.bigInt(BigInt(low), end) : fc.integer({ min: 0, max: end })
  const length = fc.integer({ min: 1, max: 5 })
  return fc
    .tuple(first, length)
    .map(([from, by]) =>
      typeof from === 'bigint' ? { low: from, end: from + BigInt(by) } : { low: from, end: from + by },
    )
}

for (const domain of domains)
  test(`the segments of a box are the values it asks for, of ${domain.end}`, t =>
    t.notThrows(() =>
      fc.assert(
        fc.property(fc.array(fc.option(askedOf(domain)), { minLength: 1, maxLength: 12 }), asked => {
          const column = columnOf(domain, asked.length)
          for (const [box, one] of asked.entries()) if (one) column.set(box, one)
          const { starts, lows, ends } = column.segments(asked.length)
          return asked.every((one, box) => {
            const { low, end } = one ?? domain
            return [...starts].every((start, at) => {
              const isInside = at >= (lows[box] ?? 0) && at < (ends[box] ?? 0)
              return isInside === (start >= low && start < end)
            })
          })
        }),
      ),
    ))
