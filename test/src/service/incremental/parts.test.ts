import test from 'ava'
import { parseSave } from 'iptables-parser'
import type { EditedText } from '../../../../src/service/incremental/index-file.ts'
import { partsOf } from '../../../../src/service/incremental/parts.ts'
import { MET_NONE } from '../../../../translator/edit/parted.ts'
import { ruleItems } from '../../../../translator/item.ts'
import { linesOf } from './table-lines.ts'

const LISTED = 300
const SLOT = 100
const place = { family: 4, table: 'filter', chain: 'INPUT' } as const
const arrays = [{ name: 'counters0', entries: 1024 }]

const listed = Array.from(
  { length: LISTED },
  (_, value) => `-s 198.51.${100 + (value >> 8)}.${value & 255}/32 -j DROP`,
)

function edited(one: EditedText) {
  const { tables } = parseSave(`*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${one.rule}\nCOMMIT\n`, {
    family: 4,
  })
  const rules = tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
  return rules.map(rule => ({ rule, items: ruleItems(rule, 0, { hook: 'nf-input', family: 4 }, 4) }))
}

/** What comes of rules that were put in at numbers, one after the other, and of others that were taken out. */
function parts(
  put: readonly (readonly [number: number, rule: string])[],
  { gone = [], canPart = true }: { readonly gone?: readonly string[]; readonly canPart?: boolean } = {},
) {
  const lines = linesOf(listed)
  for (const [index, [number, rule]] of put.entries()) lines.insert(number, rule, index)
  const texts = [
    ...[...new Set(put.map(([, rule]) => rule))].map((rule): EditedText => ({ rule, kind: 'insert' })),
    ...gone.map((rule): EditedText => ({ rule, kind: 'delete' })),
  ]
  const changed = { first: 1, last: lines.count, edited: texts }
  const made = partsOf({ lines, changed, rules: texts.flatMap(edited), place, arrays, canPart })
  return { ...made, lines }
}

const wide = '-p tcp -j ACCEPT'

test('a rule that may meet most of a run is put in between, and none of the run is asked beside it', t => {
  const { over, asked, between, lines } = parts([[141, wide]])
  t.deepEqual(over, [])
  t.deepEqual(asked, [141])
  t.deepEqual(between?.places, [[0]])
  lines.visit(1, lines.count, (number, slot) => {
    if (number !== 141) t.is(between?.ranks.ofSlots[slot], number < 141 ? 0 : 1)
  })
  t.is(between?.ranks.ofSlots[SLOT + LISTED], MET_NONE)
})

test('rules beside one another stand in one place, and others in places of their own', t => {
  const { asked, between, lines } = parts([
    [110, '-i lo -j ACCEPT'],
    [111, '-p udp -j DROP'],
    [160, wide],
  ])
  t.deepEqual(asked, [110, 111, 160])
  t.deepEqual(between?.places, [[0, 1], [2]])
  const rankOf = (number: number) => between?.ranks.ofSlots[lines.slotOf(number)]
  t.deepEqual([109, 112, 159, 161].map(rankOf), [0, 1, 1, 2])
})

test('what may meet few rules of the run is laid over it beside those in between', t => {
  const { over, asked, between } = parts([
    [110, wide],
    [3, '-s 203.0.113.1/32 -j DROP'],
  ])
  t.is(over.length, 1)
  t.deepEqual(asked, [1, 2, 3, 111])
  t.deepEqual(between?.places, [[3]])
})

for (const [why, put, options] of [
  ['it was taken out', [], { gone: [wide] }],
  [
    'an equal one stands in the run as well',
    [
      [5, wide],
      [141, wide],
    ],
    {},
  ],
  ['it counts packets as it is asked', [[141, '-m statistic --mode nth --every 2 --packet 0 -j DROP']], {}],
  ['rules of the run cannot be told by their slots', [[141, wide]], { canPart: false }],
] as const)
  test(`a rule is laid over the run where ${why}`, t => {
    const { over, between } = parts(put, options)
    t.is(over.length, 1)
    t.is(between, undefined)
  })

test('rules in more places than code is made for are laid over the run', t => {
  const many = Array.from(
    { length: 65 },
    (_, at) => [2 * at + 100, `-p tcp -m tcp --dport ${at + 1} -j DROP`] as const,
  )
  t.is(parts(many).between, undefined)
  t.is(parts(many.slice(1)).between?.places.length, 64)
})
