import test from 'ava'
import { parseSave } from 'iptables-parser'
import { newLayout } from '../../../translator/counter.ts'
import { type BlockShape, editableLanes } from '../../../translator/edit/block.ts'
import { goingOnWith, type StandIns, takeOver } from '../../../translator/edit/stand-in.ts'
import { type LaneProgram, translate } from '../../../translator/translate.ts'

const LISTED = 100

/** The program at INPUT of these rules of it, some of which may stand in for look-ups; `edited` by their numbers. */
function program(
  rules: readonly string[],
  edited: readonly number[] = [],
  standIns: StandIns<BlockShape> = new Map(),
): LaneProgram {
  const text = `*filter\n:INPUT ACCEPT [0:0]\n${rules.map(rule => `-A INPUT ${rule}\n`).join('')}COMMIT\n`
  const ruleset = parseSave(text, { family: 4, name: 'rules' })
  const translation = translate([ruleset], {
    lanes: [{ hook: 'nf-input', family: 4 }],
    counters: newLayout([ruleset]),
    strategies: { edited: new Set(edited) },
    goingOn: goingOnWith(standIns),
  })
  const [made] = translation.kind === 'translated' ? translation.programs : []
  if (!made) throw new Error('not translated')
  return made
}

const list = Array.from({ length: LISTED }, (_, value) => `-s 198.51.100.${value} -j DROP`)
const [{ chains = [] } = {}] = editableLanes(program(list), { first: rule => rule, last: rule => rule })
const blocks = chains.flatMap(chain => chain.blocks)

/** What a program takes over in which the first of the list stands in for all of it, between other rules. */
function taken(before: readonly string[], after: readonly string[]) {
  const rules = [...before, list[0] ?? '', ...after]
  // the policy comes first among all that counts
  const at = before.length + 1
  const standIns = new Map([[at, { first: at, last: at + LISTED - 1, blocks }]])
  return takeOver(
    program(
      rules,
      rules.map((_, index) => index + 1),
      standIns,
    ),
    standIns,
    rule => (rule > at ? rule + LISTED - 1 : rule),
  )
}

test('a long list is one look-up that holds all of its rules', t => {
  t.is(blocks.length, 1)
  t.true(blocks[0]?.complete)
})

for (const [before, after] of [
  [[], []],
  [['-i lo -j ACCEPT'], ['-p tcp -m tcp --dport 22 -j ACCEPT']],
  [['-s 192.0.2.1 -i lo -j ACCEPT'], ['-p udp -j ACCEPT']],
] as const)
  test(`a look-up goes on between ${JSON.stringify(before)} and ${JSON.stringify(after)}`, t => {
    const names = taken(before, after)
    t.is(names?.size, 1)
    t.deepEqual([...(names?.values() ?? [])], blocks)
  })

for (const [why, before, after] of [
  ['a rule goes into the look-up itself', ['-s 192.0.2.1 -j ACCEPT'], []],
  [
    'it would be asked before rules that stand behind it',
    ['-s 192.0.2.1 -i lo -j ACCEPT'],
    ['-s 198.51.100.7 -i lo -j ACCEPT'],
  ],
] as const)
  test(`a look-up does not go on where ${why}`, t => t.is(taken(before, after), undefined))
