import test from 'ava'
import { readOptions, UsageError } from './options.ts'

test('every hook and family is tried unless said otherwise', t => {
  t.deepEqual(readOptions(['--seeds', '5-9']), {
    first: 5,
    last: 9,
    hooks: ['netfilter', 'early-xdp', 'early-tc', 'xdp', 'tc'],
    families: [4, 6],
    strategies: [{}],
    tables: ['filter'],
    coverage: false,
  })
})

test('hooks, families and strategies can be chosen', t => {
  const words =
    '--seeds 7 --hook tc,xdp --family 6 --strategies leastDispatch=4,map=always,edited=3+5 --strategies leastDispatch=Infinity'
  t.like(readOptions(words.split(' ')), {
    first: 7,
    last: 7,
    hooks: ['tc', 'xdp'],
    families: [6],
    strategies: [
      { leastDispatch: 4, map: 'always', edited: new Set([3, 5]) },
      { leastDispatch: Number.POSITIVE_INFINITY },
    ],
  })
})

for (const [words, message] of [
  ['', /--seeds is missing/],
  ['--seeds 1..2', /FROM-TO, not 1\.\.2/],
  ['--seeds 1 --hook nowhere', /no hook nowhere/],
  ['--seeds 1 --family 5', /no family 5/],
  ['--seeds 1 --strategies luck=1', /no strategy luck/],
  ['--seeds 1 --strategies leastDispatch=often', /leastDispatch is a number, not often/],
  ['--seeds 1 --strategies map=often', /no map often; there are cheapest, always, never/],
] as const)
  test(`refused: ${words || 'nothing'}`, t => {
    t.throws(() => readOptions(words.split(' ').filter(Boolean)), { instanceOf: UsageError, message })
  })
