// Chains that call chains: which stand in place of their calls, which become functions, and how deep calls may nest.

import test from 'ava'
import { parseSave } from 'iptables-parser'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { compileText, mostFrames } from './compile.ts'
import { type Arrival, evaluator, programs } from './simulate.ts'

const filter = (rules: readonly string[], chains: readonly string[] = []): string =>
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ...chains.map(chain => `:${chain} - [0:0]`),
    ...rules,
    'COMMIT',
    '',
  ].join('\n')

const functionsOf = (text: string): readonly string[] =>
  [...(compileText(text, 4)[0]?.plans[0]?.plan.functions ?? [])].sort()

const inPlace: readonly (readonly [what: string, rules: readonly string[]])[] = [
  ['called once, by a rule that asks nothing', ['-A INPUT -j user', '-A user -p tcp -j DROP']],
  ['empty', ['-A INPUT -p tcp -j user', '-A INPUT -p udp -j user']],
  ['never called', ['-A user -p tcp -j DROP']],
]

for (const [what, rules] of inPlace)
  test(`a chain is no function where it is ${what}`, t =>
    t.deepEqual(functionsOf(filter(rules, ['user'])), []))

const asFunction: readonly (readonly [what: string, rules: readonly string[]])[] = [
  ['called from a tree', ['-A INPUT -p tcp -j user', '-A user -s 192.0.2.1 -j DROP']],
  ['gone to from a tree', ['-A INPUT -p tcp -g user', '-A user -s 192.0.2.1 -j DROP']],
  ['called twice', ['-A INPUT -j user', '-A INPUT -j user', '-A user -s 192.0.2.1 -j DROP']],
]

for (const [what, rules] of asFunction)
  test(`a chain is a function where it is ${what}`, t =>
    t.deepEqual(functionsOf(filter(rules, ['user'])), ['user']))

test('a chain that no base chain reaches is in no program', t => {
  const programs = compileText(filter(['-A alone -p tcp -j other', '-A other -p tcp'], ['alone', 'other']), 4)
  t.true(
    programs.every(({ plans }) =>
      plans.every(({ plan }) => !plan.chains.has('alone') && !plan.chains.has('other')),
    ),
  )
})

/** Chains 1 to n, each called by the one before it, and each counting before and behind its call. */
const ladder = (depth: number, condition: string): string => {
  const names = Array.from({ length: depth }, (_, index) => `chain-${index + 1}`)
  const call = (from: string, to: string | undefined): readonly string[] => [
    `-A ${from} -s 192.0.2.1/32`,
    ...(to === undefined ? ['-A chain-1 -p udp -j DROP'] : [`-A ${from} ${condition} -j ${to}`]),
    `-A ${from} -d 192.0.2.2/32`,
  ]
  return filter(
    ['INPUT', ...names].flatMap((name, index) => call(name, names[index])),
    names,
  )
}

const arrivals: readonly Arrival[] = [
  'ether / ip / tcp dport=22',
  'ether / ip / udp dport=53',
  'ether / ip src=198.51.100.1 / icmp',
  'ether / ip / tcp cut=3',
].map(text => ({
  chain: 'INPUT',
  bytes: build(parsePacket(text)),
  inDevice: 'eth0',
  outDevice: '',
  state: 'NEW',
}))

for (const hook of ['netfilter', 'xdp', 'tc'] as const)
  for (const depth of [1, 4, 5, 6, 7, 12])
    test(`at ${hook}, chains nested ${depth} deep decide and count, in at most 8 frames`, t => {
      for (const condition of ['-p tcp', '']) {
        const text = ladder(depth, condition)
        for (const { spec } of compileText(text, 4, hook)) t.true(mostFrames(spec) <= 8)
        const ruleset = parseSave(text, { family: 4 })
        const [expected, actual] = [evaluator(ruleset), programs(ruleset, hook)]
        for (const arrival of arrivals) t.is(actual.judge(arrival), expected.judge(arrival))
        t.deepEqual([...actual.counters()].sort(), [...expected.counters()].sort())
      }
    })

/** So many rules that go on, asked one after the other, that counting is a function of its own behind them. */
const counting = Array.from({ length: 200 }, (_, index) => `-A INPUT -m tos --tos ${index}/${index + 1}`)

test('as many frames are used as there are', t => {
  const text = ladder(12, '-p tcp').replace('COMMIT', `${counting.join('\n')}\nCOMMIT`)
  t.is(Math.max(...compileText(text, 4, 'tc').map(({ spec }) => mostFrames(spec))), 8)
})
