// Separate trees, and trees in a map, against a walk along the items: both give the first item that a point lies in.

import test from 'ava'
import fc from 'fast-check'
import type { Family } from 'iptables-parser'
import { domain, type FieldName, fieldOf } from '../../../translator/field.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import type { Item } from '../../../translator/item.ts'
import { allBoxes, type BoxLeaf } from '../../../translator/tree/build.ts'
import { containsPoint, type IntervalSet, normalise, type Point } from '../../../translator/tree/interval.ts'
import { BRANCHES, LEAF } from '../../../translator/tree/knot.ts'
import { isMappable, mostBytes, ROOT_SIZE, type TreeMap, writeTrees } from '../../../translator/tree/map.ts'
import { type Node, shapeOf } from '../../../translator/tree/node.ts'
import { type SeparateTree, separateTrees } from '../../../translator/tree/separate.ts'
import { type Space, spaceOf } from '../../../translator/tree/space.ts'
import { LAST } from '../../../translator/tree/word-box.ts'

const NAMES = ['saddr', 'daddr', 'dport', 'protocol'] as const

type Values = ReadonlyMap<FieldName, Point>

/** Points of a field that are likely to be ends of intervals: few, so that items overlap, and on both sides of the halves of wide fields. */
const pool = (field: FieldName, family: Family): readonly Point[] => {
  const { end } = domain(field, family)
  if (typeof end === 'number') return [0, 1, 2, 5, Math.floor(end / 2), end - 2, end - 1]
  const half = 1n << 64n
  return [0n, 1n, half - 1n, half, half + 1n, 5n * half, 5n * half + 7n, end - half, end - 1n]
}

const after = (point: Point): Point => (typeof point === 'bigint' ? point + 1n : point + 1)

const setOf = (field: FieldName, family: Family): fc.Arbitrary<IntervalSet> => {
  const point = fc.constantFrom(...pool(field, family))
  return fc
    .array(fc.tuple(point, point), { minLength: 1, maxLength: 2 })
    .map(pairs => normalise(pairs.map(([a, b]) => ({ low: a < b ? a : b, end: after(a < b ? b : a) }))))
}

const itemsOf = (family: Family): fc.Arbitrary<readonly Item[]> =>
  fc
    .array(
      fc.record(Object.fromEntries(NAMES.map(name => [name, setOf(name, family)])), { requiredKeys: [] }),
      {
        minLength: 1,
        maxLength: 40,
      },
    )
    .map(all =>
      all.map((asked, rule): Item => {
        let sets = FieldSets.none
        for (const name of NAMES) {
          const set = asked[name]
          if (set) sets = sets.with(name, set)
        }
        return { rule, sets, rest: [], outcome: { kind: 'accept' } }
      }),
    )

const valuesOf = (family: Family): fc.Arbitrary<Values> =>
  fc
    .tuple(...NAMES.map(name => fc.constantFrom(...pool(name, family))))
    .map(points => new Map(NAMES.map((name, index) => [name, points[index] ?? 0])))

const isIn = (values: Values, { sets }: Item): boolean =>
  [...sets].every(([field, set]) => containsPoint(set, values.get(field) ?? 0))

const linear = (values: Values, items: readonly Item[]): number => items.findIndex(item => isIn(values, item))

function boxesAt(values: Values, node: Node<BoxLeaf>): Int32Array {
  if (node.kind === 'leaf') {
    const { ids, from, length } = node.candidates
    return ids.subarray(from, from + length)
  }
  return boxesAt(values, (values.get(node.field) ?? 0) < node.at ? node.below : node.above)
}

/** The least item that any tree finds; trees stand in the order of their first boxes. */
function answerOf(values: Values, { items, itemOf }: Space, trees: readonly SeparateTree[]): number {
  const found = trees.flatMap(({ root }) =>
    [...boxesAt(values, root)]
      .map(id => itemOf[id] ?? -1)
      .filter(index => isIn(values, items[index] ?? never())),
  )
  return found.length > 0 ? Math.min(...found) : -1
}

const never = (): never => {
  throw new RangeError('no such item')
}

/** As the code in emit/walk.ts goes through the bytes; the answer of a box is the number of its item. */
function walk(values: Values, map: TreeMap, family: Family): number {
  const view = new DataView(map.bytes.buffer)
  const words = map.words.map(({ field, half }) => {
    const value = BigInt(values.get(field) ?? 0)
    return fieldOf(field).bits(family) === 128
      ? half === 0
        ? value >> 64n
        : BigInt.asUintN(64, value)
      : value
  })
  let best = Number.POSITIVE_INFINITY
  let answer = -1
  for (let tree = 0; tree < map.trees; tree++) {
    if (best < view.getUint32(ROOT_SIZE * tree, true)) break
    const leaf = leafFrom(view, map, words, view.getUint32(ROOT_SIZE * tree + 4, true))
    for (let at = leaf % LEAF; at <= map.lastBox; at += map.box.size) {
      const position = view.getUint32(at + map.box.position, true)
      if (position % LAST > best) break
      if (isInside(view, map, words, at)) {
        best = position % LAST
        answer = view.getUint32(at + map.box.answer, true)
        break
      }
      if (position >= LAST) break
    }
  }
  return answer
}

function leafFrom(view: DataView, { knot }: TreeMap, words: readonly bigint[], root: number): number {
  let reference = root
  while (reference < LEAF) {
    let branch = 1
    while (branch <= BRANCHES) {
      const at = reference + knot.cut(branch)
      const cut = knot.cutBits === 64 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true))
      const isBelow = (words[view.getUint8(reference + knot.word(branch)) / 8] ?? 0n) < cut
      branch = 2 * branch + (isBelow ? 0 : 1)
    }
    reference = view.getUint32(reference + knot.reference(branch), true)
  }
  return reference
}

function isInside(view: DataView, map: TreeMap, words: readonly bigint[], from: number): boolean {
  let at = from
  return map.words.every(({ bits }, index) => {
    const read = (offset: number): bigint =>
      bits === 64 ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true))
    const inside = BigInt.asUintN(64, (words[index] ?? 0n) - read(at)) <= read(at + bits / 8)
    at += bits / 4
    return inside
  })
}

for (const family of [4, 6] as const)
  test(`IPv${family}: separate trees and trees in a map find what a walk along the items finds`, t => {
    const samples = fc.array(valuesOf(family), { minLength: 20, maxLength: 20 })
    fc.assert(
      fc.property(itemsOf(family), fc.nat(3), fc.boolean(), samples, (items, most, eager, all) => {
        const space = spaceOf(items, family)
        const trees = separateTrees(space, allBoxes(space), { family, linear: most, eager, failed: 0 })
        const shapes = trees.map(({ root }) => shapeOf(root))
        for (const values of all) t.is(answerOf(values, space, trees), linear(values, items))
        // without a field that is asked about a map has no words to compare
        const asks = items.some(({ sets }) => sets.size > 0)
        t.is(isMappable(space, shapes, family), asks)
        if (!asks) return
        const map = writeTrees(
          space,
          trees,
          family,
          Uint32Array.from(space.items, ({ rule }) => rule),
        )
        t.true(map.bytes.length <= mostBytes(space, shapes, family))
        for (const values of all) t.is(walk(values, map, family), linear(values, items))
      }),
      { numRuns: 150 },
    )
  })

test('rules of many kinds are separated, and replicated little', t => {
  const wide = (field: FieldName, at: number): Item => ({
    rule: 0,
    sets: FieldSets.none.with(field, [{ low: at * 1000, end: at * 1000 + 1 }]),
    rest: [],
    outcome: { kind: 'drop' },
  })
  const items = Array.from({ length: 2000 }, (_, index) => wide(index % 2 === 0 ? 'saddr' : 'daddr', index))
  const space = spaceOf(items, 4)
  const trees = separateTrees(space, allBoxes(space), { family: 4, linear: 3, eager: false, failed: 0 })
  const candidates = trees.reduce((sum, { root }) => sum + shapeOf(root).candidates, 0)
  t.is(trees.length, 2)
  t.true(candidates < 1.5 * items.length)
})
