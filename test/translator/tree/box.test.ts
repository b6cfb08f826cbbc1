import test from 'ava'
import fc from 'fast-check'
import type { FieldName } from '../../../translator/field.ts'
import { type Box, subtract } from '../../../translator/tree/box.ts'
import { containsPoint, inclusive, normalise } from '../../../translator/tree/interval.ts'

const FIELDS: readonly FieldName[] = ['ttl', 'tos', 'icmp-type']

const byte = fc.integer({ min: 0, max: 255 })
const set = fc
  .array(fc.tuple(byte, byte), { minLength: 1, maxLength: 3 })
  .map(pairs => normalise(pairs.flatMap(([a, b]) => inclusive(Math.min(a, b), Math.max(a, b)))))
const box: fc.Arbitrary<Box> = fc
  .subarray([...FIELDS])
  .chain(fields =>
    fc
      .tuple(...fields.map(() => set))
      .map(sets => new Map(fields.map((field, at) => [field, sets[at] ?? []]))),
  )
const point = fc.tuple(byte, byte, byte)

const holds = (box: Box, values: readonly number[]): boolean =>
  FIELDS.every((field, at) => {
    const own = box.get(field)
    return !own || containsPoint(own, values[at] ?? 0)
  })

test('what is left of a box holds each point that was in it and not in what was taken, once', t => {
  fc.assert(
    fc.property(box, box, point, (from, taken, values) => {
      const pieces = subtract(from, taken, 4).filter(piece => holds(piece, values))
      t.is(pieces.length, holds(from, values) && !holds(taken, values) ? 1 : 0)
    }),
    { numRuns: 3000 },
  )
})
