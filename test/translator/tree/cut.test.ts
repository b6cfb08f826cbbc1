import test from 'ava'
import fc from 'fast-check'
import type { FieldName } from '../../../translator/field.ts'
import type { Item } from '../../../translator/item.ts'
import { allBoxes } from '../../../translator/tree/build.ts'
import { Cutter } from '../../../translator/tree/cut.ts'
import { inclusive } from '../../../translator/tree/interval.ts'
import { type Space, spaceOf } from '../../../translator/tree/space.ts'

const FIELDS = ['saddr', 'daddr', 'sport', 'dport'] as const satisfies FieldName[]

type Sides = Partial<Record<FieldName, readonly [number, number]>>

const itemOf = (sides: Sides, rule: number): Item => ({
  rule,
  sets: new Map(
    FIELDS.flatMap(field => {
      const [low, span] = sides[field] ?? []
      return low === undefined || span === undefined ? [] : [[field, inclusive(low, low + span)]]
    }),
  ),
  rest: [],
  outcome: { kind: 'drop' },
})

/** The cost of each cut inside of a box: the sum of the squares of how many boxes lie on its sides. */
function costs({ lows, ends }: Space, box: Int32Array): readonly number[] {
  return lows.flatMap((low, axis) => {
    const [from, to] = [box[2 * axis] ?? 0, box[2 * axis + 1] ?? 0]
    const cuts = new Set([...low, ...(ends[axis] ?? [])].filter(cut => from < cut && cut < to))
    return [...cuts].map(
      cut =>
        low.filter(begin => begin < cut).length ** 2 +
        (ends[axis]?.filter(end => end > cut).length ?? 0) ** 2,
    )
  })
}

const side = fc.tuple(fc.nat(60), fc.oneof(fc.nat(3), fc.nat(60)))
const sides = fc.record(Object.fromEntries(FIELDS.map(field => [field, side])), { requiredKeys: [] })

test('no cut costs less than the one that is found', t => {
  fc.assert(
    fc.property(fc.array(sides, { minLength: 1, maxLength: 60 }), all => {
      const space = spaceOf(all.map(itemOf), 4)
      const box = Int32Array.from(space.axes.flatMap(({ starts }) => [0, starts.length]))
      const cutter = new Cutter(space)
      const axis = cutter.find(allBoxes(space), 0, space.itemOf.length, box, 0)
      const known = costs(space, box)
      if (axis < 0) {
        t.deepEqual(known, [])
        return
      }
      const [low, end] = [space.lows[axis] ?? [], space.ends[axis] ?? []]
      const below = low.filter(begin => begin < cutter.at).length
      const above = end.filter(stop => stop > cutter.at).length
      t.is(below ** 2 + above ** 2, Math.min(...known))
    }),
    { numRuns: 300 },
  )
})

test('axes along which all boxes cover all of it are told, and those that are told are not tried', t => {
  const rules: readonly Sides[] = [{ daddr: [5, 3] }, { saddr: [1, 0] }, { saddr: [3, 4] }]
  const space = spaceOf(rules.map(itemOf), 4)
  t.deepEqual(
    space.axes.map(({ field }) => field),
    ['daddr', 'saddr'],
  )
  const box = Int32Array.from(space.axes.flatMap(({ starts }) => [0, starts.length]))
  const [cutter, two] = [new Cutter(space), Int32Array.of(1, 2)]
  t.is(cutter.find(two, 0, 2, box, 0), 1)
  t.is(cutter.settled, 0b01)
  t.is(cutter.find(two, 0, 2, box, 0b10), -1)
  t.is(cutter.settled, 0b11)
})
