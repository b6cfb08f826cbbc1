import test from 'ava'
import fc from 'fast-check'
import type { FieldName } from '../../../translator/field.ts'
import type { Item, Outcome } from '../../../translator/item.ts'
import { keyValues, type Segment, segmentsOf } from '../../../translator/tree/dispatch.ts'
import { containsPoint, type IntervalSet, inclusive, single } from '../../../translator/tree/interval.ts'

const item = (
  rule: number,
  sets: Partial<Record<FieldName, IntervalSet>>,
  kind: 'accept' | 'drop' | 'continue' | 'hotdrop' = 'drop',
): Item => ({
  rule,
  sets: new Map(Object.entries(sets) as [FieldName, IntervalSet][]),
  rest: [],
  outcome: { kind } as Outcome,
})

const shapes = (segments: readonly Segment[]): string[] =>
  segments.map(segment =>
    segment.kind === 'rest'
      ? `rest ${segment.items.length}`
      : `${segment.cases.length} by ${segment.fields.join()}`,
  )

test('a run of one shape is a look-up; a shorter one is not', t => {
  const run = (length: number) =>
    Array.from({ length }, (_, n) => item(n, { saddr: single(n), dport: single(22) }))
  t.deepEqual(shapes(segmentsOf(run(4), 4)), ['4 by dport,saddr'])
  t.deepEqual(shapes(segmentsOf(run(3), 4)), ['rest 3'])
})

test('another shape, a range or a mask ends a run', t => {
  const items = [
    item(0, { saddr: single(1) }),
    item(1, { saddr: single(2) }),
    item(2, { daddr: single(1) }),
    item(3, { daddr: single(2) }),
    item(4, { daddr: inclusive(4, 9) }),
    {
      ...item(5, { daddr: single(3) }),
      rest: [{ kind: 'mask', field: 'tcp-flags', mask: 2, value: 2, negated: false } as const],
    },
  ]
  t.deepEqual(shapes(segmentsOf(items, 2)), ['2 by saddr', '2 by daddr', 'rest 2'])
})

test('what all rules of a run ask alike is asked once, before the look-up', t => {
  const items = [1, 2, 3].map(n => item(n, { saddr: single(n), dport: inclusive(1, 1023) }))
  const [segment] = segmentsOf(items, 2)
  t.true(
    segment?.kind === 'dispatch' && segment.common[0]?.field === 'dport' && segment.fields.join() === 'saddr',
  )
})

test('rules that ask different things beside their values may alternate, while each kind has enough of them', t => {
  const rule = (n: number) => item(n, { saddr: single(n), dport: inclusive(1, n % 2 ? 1023 : 2047) })
  const alternating = [1, 2, 3, 4].map(rule)
  t.deepEqual(shapes(segmentsOf(alternating, 2)), ['2 by saddr', '2 by saddr'])
  t.deepEqual(shapes(segmentsOf(alternating, 3)), ['rest 4'])
  t.deepEqual(shapes(segmentsOf([1, 3, 5, 6].map(rule), 3)), ['3 by saddr', 'rest 1'])
})

test('the first of two rules for the same values is met, and both where the first only counts', t => {
  const [first] = segmentsOf([item(0, { saddr: single(1) }), item(1, { saddr: single(1) })], 1)
  t.true(first?.kind === 'dispatch' && first.cases.length === 1 && first.cases[0]?.rule === 0)
  const counting = segmentsOf([item(0, { saddr: single(1) }, 'continue'), item(1, { saddr: single(1) })], 1)
  t.deepEqual(shapes(counting), ['1 by saddr', '1 by saddr'])
})

/** The rules that a packet meets, in order, up to the first that decides. */
function walk(segments: readonly Segment[], packet: Readonly<Record<string, number>>): number[] {
  const met: number[] = []
  const meets = ({ sets }: Item): boolean =>
    [...sets].every(([field, set]) => containsPoint(set, packet[field] ?? 0))
  for (const segment of segments) {
    const items = segment.kind === 'rest' ? segment.items : lookUp(segment, packet)
    for (const one of items) {
      if (!meets(one)) continue
      met.push(one.rule)
      if (one.outcome.kind !== 'continue') return met
    }
  }
  return met
}

const lookUp = (
  segment: Exclude<Segment, { kind: 'rest' }>,
  packet: Readonly<Record<string, number>>,
): readonly Item[] =>
  segment.cases.filter(item =>
    keyValues(item, segment.fields).every((value, index) => value === packet[segment.fields[index] ?? '']),
  )

test('a packet meets the same rules as one after the other', t => {
  const value = fc.integer({ min: 0, max: 3 })
  const set = fc.oneof(
    value.map(single),
    value.map(low => inclusive(low, 3)),
  )
  const kind = fc.constantFrom('accept', 'drop', 'continue', 'hotdrop') as fc.Arbitrary<
    'accept' | 'drop' | 'continue' | 'hotdrop'
  >
  const rule = fc.tuple(fc.record({ saddr: set, dport: set }, { requiredKeys: [] }), kind)
  const packet = fc.record({ saddr: value, dport: value })
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      packet,
      fc.integer({ min: 1, max: 4 }),
      (rules, asked, least) => {
        const items = rules.map(([sets, outcome], index) =>
          item(index, sets as Partial<Record<FieldName, IntervalSet>>, outcome),
        )
        t.deepEqual(walk(segmentsOf(items, least), asked), walk([{ kind: 'rest', items }], asked))
      },
    ),
  )
})

test('what no run can begin at is passed over, and no run with it', t => {
  const set = fc.oneof(
    fc.integer({ min: 0, max: 3 }).map(single),
    fc.integer({ min: 0, max: 4 }).map(low => inclusive(low, 9)),
  )
  const rule = fc.tuple(
    fc.record({ saddr: set, daddr: set, dport: set }, { requiredKeys: ['saddr'] }),
    fc.constantFrom('drop', 'drop', 'continue') as fc.Arbitrary<'drop' | 'continue'>,
  )
  // where a rule is edited a run is looked for at each; none here is that one
  const eachTried = new Set([-1])
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (rules, least) => {
      const items = rules.map(([sets, outcome], index) =>
        item(index, sets as Partial<Record<FieldName, IntervalSet>>, outcome),
      )
      t.deepEqual(segmentsOf(items, least), segmentsOf(items, least, eachTried))
    }),
    { numRuns: 300 },
  )
})
