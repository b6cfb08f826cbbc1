// Trees against a walk along the items: the same items are met in the same order, whatever the point.

import test from 'ava'
import fc from 'fast-check'
import { blocksOf, defaultStrategies } from '../../../translator/chain.ts'
import type { FieldName } from '../../../translator/field.ts'
import type { Item, Outcome } from '../../../translator/item.ts'
import type { MaskTest, Test } from '../../../translator/test.ts'
import { allBoxes, buildTree, growTree, type TreeLimits } from '../../../translator/tree/build.ts'
import {
  containsPoint,
  type IntervalSet,
  inclusive,
  normalise,
  single,
} from '../../../translator/tree/interval.ts'
import { type Candidate, type Node, shapeOf } from '../../../translator/tree/node.ts'
import { spaceOf } from '../../../translator/tree/space.ts'
import { seeded } from '../../kernel/harness/random.ts'

type Values = ReadonlyMap<FieldName, number>

const FIELDS = ['saddr', 'dport', 'protocol', 'transport'] as const
/** Values of fields are drawn from so many, so that items overlap. */
const POOL = 7

const set = fc
  .array(fc.tuple(fc.nat(POOL - 1), fc.nat(POOL - 1)), { minLength: 1, maxLength: 3 })
  .map(pairs => normalise(pairs.flatMap(([a, b]) => inclusive(Math.min(a, b), Math.max(a, b)))))

const mask = fc.record({ mask: fc.integer({ min: 1, max: 7 }), value: fc.nat(7), negated: fc.boolean() }).map(
  ({ mask, value, negated }): MaskTest => ({
    kind: 'mask',
    field: 'tcp-flags',
    mask,
    value: value & mask,
    negated,
  }),
)

const outcome = fc.constantFrom<Outcome>(
  { kind: 'accept' },
  { kind: 'drop' },
  { kind: 'continue' },
  { kind: 'return' },
  { kind: 'jump', chain: 'user' },
  { kind: 'hotdrop' },
)

const items = fc
  .array(
    fc.record({
      sets: fc.array(fc.tuple(fc.constantFrom(...FIELDS), set), { maxLength: 3 }),
      rest: fc.array(mask, { maxLength: 1 }),
      outcome,
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map(all => all.map(({ sets, ...other }, rule): Item => ({ rule, sets: new Map(sets), ...other })))

const values = fc
  .record({
    saddr: fc.nat(POOL),
    dport: fc.nat(POOL),
    protocol: fc.nat(POOL),
    transport: fc.nat(POOL),
    'tcp-flags': fc.nat(7),
  })
  .map((all): Values => new Map(Object.entries(all) as [FieldName, number][]))

const at = (values: Values, field: FieldName): number => values.get(field) ?? 0

function satisfies(values: Values, test: Test): boolean {
  if (test.kind === 'set') return containsPoint(test.set, at(values, test.field))
  if (test.kind === 'mask')
    return ((at(values, test.field) & Number(test.mask)) === Number(test.value)) !== test.negated
  if (test.kind === 'any') return test.tests.some(one => satisfies(values, one))
  return false
}

const isMet = (values: Values, { sets, rest }: Item): boolean =>
  [...sets].every(([field, set]) => containsPoint(set, at(values, field))) &&
  rest.every(test => satisfies(values, test))

const endsWalk = ({ outcome }: Item): boolean => outcome.kind !== 'continue' && outcome.kind !== 'jump'

/** The items met, up to the first that ends the walk. */
function met(values: Values, candidates: readonly Candidate[]): readonly number[] {
  const rules: number[] = []
  for (const { item, tests } of candidates) {
    if (!tests.every(test => satisfies(values, test))) continue
    rules.push(item.rule)
    if (endsWalk(item)) break
  }
  return rules
}

const linear = (values: Values, items: readonly Item[]): readonly number[] => {
  const all = items.filter(item => isMet(values, item))
  const last = all.findIndex(endsWalk)
  return all.slice(0, last < 0 ? all.length : last + 1).map(({ rule }) => rule)
}

function candidatesAt(values: Values, node: Node): readonly Candidate[] {
  if (node.kind === 'leaf') return node.candidates
  return candidatesAt(values, at(values, node.field) < node.at ? node.below : node.above)
}

const generous: TreeLimits = { linear: 3, candidates: 100_000 }

test('a leaf holds what a walk along the items meets, in order', t => {
  fc.assert(
    fc.property(
      items,
      fc.nat(5),
      fc.array(values, { minLength: 20, maxLength: 20 }),
      (items, linearity, all) => {
        const root = buildTree(items, 4, { ...generous, linear: linearity })
        if (!root) return t.fail('no tree')
        for (const one of all) t.deepEqual(met(one, candidatesAt(one, root)), linear(one, items))
      },
    ),
    { numRuns: 500 },
  )
})

test('a set may reach beyond the values of its field', t => {
  const items: readonly Item[] = [
    [{ low: 5, end: 2 ** 32 }],
    [
      { low: 1, end: 3 },
      { low: 9, end: 300 },
    ],
  ].map(
    (set, rule): Item => ({
      rule,
      sets: new Map<FieldName, IntervalSet>([['ttl', set]]),
      rest: [],
      outcome: { kind: 'continue' },
    }),
  )
  const root = buildTree(items, 4, { ...generous, linear: 0 })
  if (!root) return t.fail('no tree')
  for (let ttl = 0; ttl < 256; ttl++) {
    const one: Values = new Map([['ttl', ttl]])
    t.deepEqual(met(one, candidatesAt(one, root)), linear(one, items))
  }
})

/** Far more than one leaf's worth, crossing each other in two fields. */
const crossing = (count: number): readonly Item[] =>
  Array.from({ length: count }, (_, rule) => ({
    rule,
    sets: new Map<FieldName, IntervalSet>([
      ['saddr', rule % 2 === 0 ? single(rule) : inclusive(0, 10 * count)],
      ['daddr', rule % 2 === 0 ? inclusive(0, 10 * count) : single(rule)],
    ]),
    rest: [],
    outcome: { kind: 'continue' },
  }))

test('a tree that would hold more candidates than allowed is not made', t => {
  fc.assert(
    fc.property(items, fc.nat(60), (items, candidates) => {
      // of an item with several boxes a leaf counts each that it holds
      const space = spaceOf(items, 4)
      const grow = (limits: TreeLimits) => growTree(space, allBoxes(space), limits)
      const root = grow({ linear: 1, candidates })
      if (root) t.true(shapeOf(root).candidates <= candidates)
      else {
        const whole = grow({ ...generous, linear: 1 })
        t.true(whole !== undefined && shapeOf(whole).candidates > candidates)
      }
    }),
  )
  t.is(buildTree(crossing(200), 4, { linear: 1, candidates: 800 }), undefined)
})

const treesOf = (items: readonly Item[]) =>
  blocksOf(items, 4, {
    ...defaultStrategies,
    leastDispatch: Number.POSITIVE_INFINITY,
    map: 'never',
    separate: 'never',
  }).flatMap(block => (block.kind === 'tree' ? [block] : []))

test('a run that would be replicated too often becomes several trees, each within its limit', t => {
  const trees = treesOf(crossing(200))
  t.true(trees.length > 1)
  for (const { root, items } of trees) t.true(shapeOf(root).candidates <= 64 + 4 * items)
  t.is(
    trees.reduce((sum, { items }) => sum + items, 0),
    200,
  )
})

/** As packet filters of five-tuples are: prefixes of some length, one protocol, a port or a range of them on one side. */
function fiveTuples(count: number, seed: number): readonly Item[] {
  const random = seeded(seed)
  const prefix = (): IntervalSet => {
    const bits = random.pick([8, 16, 24, 24, 28, 32, 32, 32])
    const size = 2 ** (32 - bits)
    const low = random.below(2 ** bits) * size
    return [{ low, end: low + size }]
  }
  const port = (): IntervalSet => {
    const low = random.below(65536)
    return random.chance(0.7) ? single(low) : inclusive(low, low + random.below(65536 - low))
  }
  return Array.from({ length: count }, (_, rule) => {
    const sets: [FieldName, IntervalSet][] = [
      ['saddr', prefix()],
      ['daddr', prefix()],
      ['protocol', single(random.pick([6, 17]))],
      ['transport', single(0)],
    ]
    if (random.chance(0.8)) sets.push(['dport', port()])
    if (random.chance(0.2)) sets.push(['sport', port()])
    return { rule, sets: new Map(sets), rest: [], outcome: { kind: random.pick(['accept', 'drop']) } }
  })
}

/** Comparisons on the longest way through a tree. */
const longest = (node: Node): number =>
  node.kind === 'branch'
    ? 1 + Math.max(longest(node.below), longest(node.above))
    : node.candidates.reduce((sum, { tests }) => sum + tests.length, 0)

test('a thousand five-tuple rules cost few comparisons', t => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const trees = treesOf(fiveTuples(1000, seed))
    const comparisons = trees.reduce((sum, { root }) => sum + longest(root), 0)
    t.log(`seed ${seed}: ${trees.length} trees, ${comparisons} comparisons`)
    t.true(comparisons <= 40, `${comparisons}`)
  }
})
