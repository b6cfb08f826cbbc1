// Trees in a map whose rules have come and gone since they were written answer as the rules do that there are.

import test from 'ava'
import type { Family } from 'iptables-parser'
import { putIn, takenOut, withGaps } from '../../../translator/edit/amend.ts'
import { positionsOf, rangesOfItem } from '../../../translator/edit/word-items.ts'
import type { Item } from '../../../translator/item.ts'
import { allBoxes } from '../../../translator/tree/build.ts'
import type { IntervalSet, Point } from '../../../translator/tree/interval.ts'
import { knotLayout } from '../../../translator/tree/knot.ts'
import { ROOT_SIZE, writeTrees } from '../../../translator/tree/map.ts'
import { separateTrees } from '../../../translator/tree/separate.ts'
import { spaceOf } from '../../../translator/tree/space.ts'
import {
  boxesOf,
  isLeaf,
  leafAt,
  readBox,
  type Trees,
  viewOf,
  type WordBox,
} from '../../../translator/tree/word-tree.ts'
import { type Random, seeded } from '../../kernel/harness/random.ts'

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

const RULES = 120

/** Few values, so that boxes lie in one another. */
function interval(random: Random, of: (value: number) => Point): IntervalSet {
  const size = random.pick([1, 1, 2, 4, 16, 64])
  const low = random.below(64 / size) * size
  return [{ low: of(low), end: of(low + size) }]
}

/** What the program compares addresses with is a number or a bigint: values that differ in both halves of an IPv6 address. */
const addressOf =
  (family: Family) =>
  (value: number): Point =>
    family === 4 ? 1000 + value : ((BigInt(value) >> 3n) << 64n) | (BigInt(value & 7) << 3n)

function drawItem(random: Random, family: Family, rule: number): Item {
  const sets = new Map<'daddr' | 'dport' | 'protocol' | 'saddr', IntervalSet>()
  if (random.chance(0.6)) sets.set('daddr', interval(random, addressOf(family)))
  if (random.chance(0.5))
    sets.set(
      'dport',
      interval(random, value => value),
    )
  if (random.chance(0.2))
    sets.set(
      'protocol',
      interval(random, value => value),
    )
  if (random.chance(0.5) || sets.size === 0) sets.set('saddr', interval(random, addressOf(family)))
  return { rule, sets, rest: [], outcome: { kind: 'accept' } }
}

/** A box of words that a packet is, as code walks trees (emit/walk.ts): the answer with the least position. */
function walk(trees: Trees, words: readonly Point[]): number | undefined {
  const view = viewOf(trees)
  const knot = knotLayout(trees.layout.words)
  let best: WordBox | undefined
  for (let tree = 0; tree < trees.layout.trees; tree++) {
    const first = view.getUint32(ROOT_SIZE * tree, true)
    if (best && first > best.position) break
    let reference = view.getUint32(ROOT_SIZE * tree + 4, true)
    for (let depth = 0; !isLeaf(reference); depth++) {
      if (depth > trees.layout.depth) throw new Error('too deep')
      let branch = 1
      while (branch < 8) {
        const at = reference + knot.cut(branch)
        const cut = knot.cutBits === 64 ? view.getBigUint64(at, true) : view.getUint32(at, true)
        branch = 2 * branch + ((words[view.getUint8(reference + knot.word(branch)) >> 3] ?? 0) >= cut ? 1 : 0)
      }
      reference = view.getUint32(reference + knot.reference(branch), true)
    }
    const leaf = leafAt(reference, trees.layout)
    const boxes = leaf === undefined ? [] : boxesOf(trees, leaf).map(at => readBox(trees, at))
    if (boxes.length > trees.layout.fullest) throw new Error('too full')
    const found = boxes.find(({ ranges }) =>
      ranges.every(({ low, high }, at) => (words[at] ?? 0) >= low && (words[at] ?? 0) <= high),
    )
    if (found && (!best || found.position < best.position)) best = found
  }
  return best?.answer
}

/** A rule that stands, with the answer that it has in the trees. */
interface Standing {
  readonly answer: number
  readonly item: Item
}

function drawTrees(random: Random, family: Family) {
  const items = Array.from({ length: RULES }, (_, rule) => drawItem(random, family, rule))
  const space = spaceOf(items, family)
  const separation = { family, linear: random.pick([2, 3, 8]), eager: random.chance(0.7), failed: 0 }
  const made = separateTrees(space, allBoxes(space), separation)
  const { bytes, ...layout } = writeTrees(
    space,
    made,
    family,
    Uint32Array.from(items, (_, index) => index),
  )
  const standing = items.map((item, answer): Standing => ({ answer, item }))
  const trees: Trees = { layout, bytes }
  return { trees, standing }
}

const rangesOf = ({ item }: Standing, { layout }: Trees, family: Family) =>
  rangesOfItem(item, layout.words, family) ?? []

/** The greatest position of each answer. */
function positionsIn(trees: Trees): Int32Array {
  const answers = Int32Array.from({ length: 2 * RULES }, (_, answer) => answer)
  return positionsOf(trees, answers, answers.length, Float64Array.of(0)).most
}

/** Boxes of rules among those that stand, and room for them. */
function placed(trees: Trees, standing: readonly Standing[], wanted: readonly Standing[], family: Family) {
  const positions = positionsIn(trees)
  const before = wanted.map(
    one =>
      1 +
      standing
        .slice(0, standing.indexOf(one))
        .reduce((most, { answer }) => Math.max(most, positions[answer] ?? -1), -1),
  )
  const boxes = wanted.flatMap((one, at) =>
    rangesOf(one, trees, family).map(ranges => ({
      ranges,
      answer: one.answer,
      position: (before[at] ?? 0) + at,
    })),
  )
  return { trees: withGaps(trees, before), boxes }
}

const inSet = (set: IntervalSet, value: Point): boolean =>
  set.some(({ low, end }) => low <= value && value < end)

for (const family of [4, 6] as const)
  test(`IPv${family}: trees that rules were put into and taken out of answer as the rules do`, t => {
    for (let round = 0; round < 12; round++) {
      const seed = firstSeed + round
      const random = seeded(seed)
      let { trees, standing } = drawTrees(random, family)
      let amended = 0
      const incomplete = new Set<number>()
      for (let edit = 0; edit < 16; edit++) {
        const next = random.chance(0.4)
          ? withRule(random, trees, standing, RULES + edit)
          : withoutRule(random, trees, standing, incomplete)
        if (next.trees) {
          trees = next.trees
          standing = next.standing
          amended++
        }
        for (let packet = 0; packet < 150; packet++) {
          const fields = drawPacket(random)
          const first = standing.find(({ item }) =>
            [...item.sets].every(([field, set]) => inSet(set, fields[field as keyof typeof fields])),
          )
          t.is(walk(trees, wordsFor(trees, fields)), first?.answer, `seed ${seed}, edit ${edit}`)
        }
      }
      t.true(amended > 8, `seed ${seed}: ${amended}`)
    }

    function withRule(random: Random, trees: Trees, standing: readonly Standing[], answer: number) {
      const at = random.below(standing.length + 1)
      const put = { answer, item: drawItem(random, family, answer) }
      const after = standing.toSpliced(at, 0, put)
      const room = placed(trees, after, [put], family)
      return { trees: putIn(room.trees, room.boxes), standing: after }
    }

    function withoutRule(
      random: Random,
      trees: Trees,
      standing: readonly Standing[],
      incomplete: Set<number>,
    ) {
      const gone = random.pick(standing)
      const after = standing.filter(one => one !== gone)
      const there = positionsIn(trees)
      // what was in no leaf once may be in some now, and in others not
      for (const { answer } of after) if ((there[answer] ?? -1) < 0) incomplete.add(answer)
      const hidden = after.filter(({ answer }) => incomplete.has(answer))
      const room = placed(trees, after, hidden, family)
      return { trees: takenOut(room.trees, new Set([gone.answer]), room.boxes), standing: after }
    }

    function drawPacket(random: Random) {
      const address = addressOf(family)
      return {
        saddr: address(random.below(66)),
        daddr: address(random.below(66)),
        dport: random.below(66),
        protocol: random.below(66),
      }
    }

    function wordsFor({ layout }: Trees, fields: ReturnType<typeof drawPacket>): Point[] {
      return layout.words.map(({ field, half, bits }) => {
        const value = fields[field as keyof typeof fields]
        if (bits === 32) return value
        return half === 0 && typeof value === 'bigint' && field.endsWith('addr')
          ? value >> 64n
          : BigInt.asUintN(64, BigInt(value))
      })
    }
  })

test('positions of boxes that count in the slot of no rule are those of none', t => {
  const { trees } = drawTrees(seeded(firstSeed), 4)
  const rules = new Int32Array(2 * RULES).fill(-1)
  rules[7] = 0
  const [all, one] = [positionsIn(trees), positionsOf(trees, rules, 1, Float64Array.of(0))]
  t.is(one.most[0], all[7])
  t.is(one.least[0], (all[7] ?? 0) < 0 ? 0x7fff_ffff : one.most[0], `seed ${firstSeed}`)
})
