// Rules asked early: what is not known makes a packet undecided, which is to be passed.

import test from 'ava'
import { parseSave } from 'iptables-parser'
import { newLayout } from '../../translator/counter.ts'
import { canDrop, certainDrops, earlyItems } from '../../translator/early.ts'
import type { Item } from '../../translator/item.ts'
import { type EarlyLane, earlyLane } from '../../translator/lane.ts'
import { translate } from '../../translator/translate.ts'

const itemsOf = (rule: string, lane: EarlyLane): readonly Item[] => {
  const { tables } = parseSave(`*filter\n:sub - [0:0]\n-A INPUT ${rule}\nCOMMIT\n`, { family: 4 })
  const [parsed] = tables[0]?.chains.find(({ name }) => name === 'INPUT')?.rules ?? []
  if (!parsed) throw new Error('no rule')
  return earlyItems(parsed, 0, lane, 4)
}

const describe = ({ sets, rest, outcome }: Item): string =>
  [...sets.keys(), ...rest.map(({ kind }) => kind), outcome.kind].join(' ')

const rulesetOf = (text: string) => parseSave(text, { family: 4 })
const tracked = rulesetOf('*filter\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n')

const tc = earlyLane('tc', [])
const xdp = earlyLane('xdp', [])
const tracking = earlyLane('tc', [tracked])
const raw = earlyLane('tc', [tracked, rulesetOf('*raw\nCOMMIT\n')])

const cases: readonly (readonly [rule: string, lane: EarlyLane, items: readonly string[]])[] = [
  ['-s 192.0.2.1 -j DROP', tc, ['saddr drop']],
  ['-s 192.0.2.1 -j ACCEPT', tc, ['saddr accept']],
  ['-s 192.0.2.1', tc, ['saddr continue']],
  ['-s 192.0.2.1 -j sub', tc, ['saddr jump']],
  ['-s 192.0.2.1 -j RETURN', tc, ['saddr return']],
  // what does more than decide is for later
  ['-s 192.0.2.1 -j LOG', tc, ['saddr accept']],
  // what is not known here: the rest still narrows
  ['-m mark --mark 1 -j DROP', tc, ['accept']],
  [
    '-m mark --mark 1 -p tcp -m tcp --dport 22 -j DROP',
    tc,
    ['protocol transport accept', 'protocol transport dport accept'],
  ],
  // segments may still be put together behind xdp
  ['-m length --length 100 -j DROP', tc, ['length drop']],
  ['-m length --length 100 -j DROP', xdp, ['accept']],
  // every packet must come to a question that counts, whatever is asked behind it
  ['-m statistic --mode nth --every 2 --packet 0 -m ttl --ttl-eq 64 -j DROP', tc, ['accept']],
  // a packet that belongs to no connection is NEW or INVALID
  ['-m conntrack --ctstate RELATED,ESTABLISHED -j DROP', tracking, []],
  ['-m conntrack --ctstate NEW -j DROP', tracking, ['accept']],
  ['-m conntrack --ctstate INVALID,NEW -j DROP', tracking, ['drop']],
  ['-m conntrack --ctstate RELATED,ESTABLISHED -j DROP', tc, ['accept']],
  // connections come behind raw
  ['-m conntrack --ctstate RELATED,ESTABLISHED -j DROP', raw, ['accept']],
  ['-s 192.0.2.1 -j DROP', raw, ['saddr drop']],
]

for (const [rule, lane, items] of cases)
  test(`${rule} at ${lane.hook}${lane.conntrack ? ' beside connection tracking' : ''}${lane.raw?.length ? ', of raw' : ''}`, t => {
    t.deepEqual(itemsOf(rule, lane).map(describe), items)
  })

const planOf = (...rules: readonly string[]) => {
  const text = ['*filter', ':INPUT DROP', ':sub - [0:0]', ...rules, 'COMMIT', ''].join('\n')
  const rulesets = [parseSave(text, { family: 4 })]
  const translation = translate(rulesets, { lanes: [tc], counters: newLayout(rulesets) })
  const plan = translation.kind === 'translated' ? translation.programs[0]?.plans[0]?.plan : undefined
  if (!plan) throw new Error('not translated')
  return plan
}

test('a program drops by a rule, in a chain called, or by the policy', t => {
  t.true(canDrop(planOf('-A INPUT -s 192.0.2.1 -j DROP'), 'accept'))
  t.true(canDrop(planOf('-A INPUT -j sub', '-A sub -s 192.0.2.1 -j DROP'), 'accept'))
  t.true(canDrop(planOf('-A INPUT -s 192.0.2.1 -j ACCEPT'), 'drop'))
  t.false(canDrop(planOf('-A INPUT -s 192.0.2.1 -j ACCEPT'), 'accept'))
})

test('it drops nothing behind a rule that leaves all undecided', t => {
  t.false(canDrop(planOf('-A INPUT -m mark --mark 1', '-A INPUT -s 192.0.2.1 -j DROP'), 'drop'))
  t.false(canDrop(planOf('-A INPUT -j sub', '-A sub -m mark --mark 1 -j ACCEPT'), 'drop'))
})

test('rules that drop are counted once each', t => {
  t.is(certainDrops(planOf('-A INPUT -p tcp -j DROP', '-A INPUT -p udp -m udp --dport 1 -j DROP')), 2)
})

test('an early program counts nothing on the way: it notes', t => {
  const rulesets = [parseSave('*filter\n:INPUT DROP\n-A INPUT -p tcp\nCOMMIT\n', { family: 4 })]
  const translation = translate(rulesets, { lanes: [tc], counters: newLayout(rulesets) })
  if (translation.kind !== 'translated') return t.fail('refused')
  const names = translation.programs.flatMap(({ spec }) => spec.functions.map(({ name }) => name))
  t.deepEqual(names.slice(-3), ['count_counters0', 'add_counters0', 'count_noted'])
})
