import test from 'ava'
import {
  allChains,
  baseChains,
  chainNamed,
  chainOfLine,
  chainTable,
  withCounts,
} from '../../../../src/service/incremental/chain-table.ts'

const policy = { verdict: 'DROP', slot: 9 }
const chains = chainTable([
  { table: 'raw', name: 'PREROUTING', count: 2, policy },
  { table: 'filter', name: 'INPUT', count: 0, policy },
  { table: 'filter', name: 'a b', count: 3 },
  { table: 'filter', name: 'naïve', count: 0 },
  { table: 'filter', name: 'a', count: 1 },
])
const nameAt = (line: number): string | undefined => chainOfLine(chains, line)?.name

test('a chain is found by its table and name, and nothing by a part of them', t => {
  t.deepEqual(chainNamed(chains, { table: 'filter', chain: 'a' }), {
    at: 4,
    table: 'filter',
    name: 'a',
    first: 5,
    count: 1,
  })
  t.deepEqual(chainNamed(chains, { table: 'raw', chain: 'PREROUTING' }), {
    at: 0,
    table: 'raw',
    name: 'PREROUTING',
    first: 0,
    count: 2,
    policy,
  })
  t.is(chainNamed(chains, { table: 'filter', chain: 'a b' })?.first, 2)
  for (const chain of ['b', 'A', 'INPU', 'PREROUTING', '', 'INPUT\nfilter a b', 'naïve\n'])
    t.is(chainNamed(chains, { table: 'filter', chain }), undefined, chain)
  t.is(chainNamed(chains, { table: 'raw', chain: 'INPUT' }), undefined)
})

test('a line belongs to the chain that has lines there', t =>
  t.deepEqual([0, 1, 2, 4, 5].map(nameAt), ['PREROUTING', 'PREROUTING', 'a b', 'a b', 'a']))

test('all chains stand in order, and base chains are told by their policies', t => {
  t.deepEqual(
    allChains(chains).map(({ name, first, count }) => [name, first, count]),
    [
      ['PREROUTING', 0, 2],
      ['INPUT', 2, 0],
      ['a b', 2, 3],
      ['naïve', 5, 0],
      ['a', 5, 1],
    ],
  )
  t.deepEqual(
    baseChains(chains).map(({ name }) => name),
    ['PREROUTING', 'INPUT'],
  )
})

test('where chains have more lines or fewer, those behind begin elsewhere', t => {
  const counts = new Map([
    [1, 4],
    [2, 1],
    [4, 1],
  ])
  t.deepEqual(
    allChains(withCounts(chains, counts)).map(({ first, count }) => [first, count]),
    [
      [0, 2],
      [2, 4],
      [6, 1],
      [7, 0],
      [7, 1],
    ],
  )
  t.deepEqual(allChains(withCounts(chains, new Map())), allChains(chains))
})

test('there may be no chain at all', t => {
  const none = chainTable([])
  t.deepEqual(allChains(none), [])
  t.is(chainNamed(none, { table: 'filter', chain: 'INPUT' }), undefined)
})
