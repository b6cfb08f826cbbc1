import test from 'ava'
import type { RuleHits } from '../../../src/stats/hits.ts'
import { printHits, printHitsJson } from '../../../src/stats/print.ts'
import { selectHits } from '../../../src/stats/select.ts'

const hit = (rule: string, packets: bigint, family: 4 | 6 = 4, chain = 'INPUT'): RuleHits => ({
  family,
  table: 'filter',
  chain,
  number: 1,
  rule,
  packets,
  bytes: packets * 40n,
})

const hits = [
  hit('-A INPUT -p tcp', 3n),
  hit('-A INPUT -p udp', 1n << 63n),
  hit('-A OUTPUT', 0n, 4, 'OUTPUT'),
]

test('counters of 64 bits are written out in full', t => {
  t.is(
    printHitsJson([hit('-A INPUT -m comment --comment "a \\"b\\""', (1n << 63n) + 1n)]),
    '[\n{"family":4,"table":"filter","chain":"INPUT","number":1,"rule":"-A INPUT -m comment --comment \\"a \\\\\\"b\\\\\\"\\"","packets":9223372036854775809,"bytes":368934881474191032360}\n]\n',
  )
  t.deepEqual(JSON.parse(printHitsJson([])), [])
})

test('the table lines up', t => {
  t.is(
    printHits([hit('-A INPUT -p tcp', 3n), hit('-A INPUT', 123456789n)]),
    [
      '  PACKETS      BYTES  RULE\n',
      '        3        120  -A INPUT -p tcp\n',
      '123456789 4938271560  -A INPUT\n',
    ].join(''),
  )
})

test('families are told apart where both are there', t => {
  t.regex(
    printHits([hit('-A INPUT', 1n), hit('-A INPUT', 1n, 6)]),
    / iptables -A INPUT\n.* ip6tables -A INPUT\n/,
  )
})

test('the top is by packets, a chain by name', t => {
  const rules = (selection: Parameters<typeof selectHits>[1]): string[] =>
    selectHits(hits, selection).map(({ rule }) => rule)
  t.deepEqual(rules({}), ['-A INPUT -p tcp', '-A INPUT -p udp', '-A OUTPUT'])
  t.deepEqual(rules({ top: 2 }), ['-A INPUT -p udp', '-A INPUT -p tcp'])
  t.deepEqual(rules({ chain: 'OUTPUT' }), ['-A OUTPUT'])
  t.deepEqual(rules({ table: 'nat' }), [])
})
