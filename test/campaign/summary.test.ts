import test from 'ava'
import type { Tried } from './campaign.ts'
import { ranges, summarise } from './summary.ts'

const tried = (seed: number, hook: Tried['hook'], rest: Partial<Tried> = {}): Tried => ({
  hook,
  family: 4,
  seed,
  strategies: {},
  tables: ['filter'],
  ruleset: `rules of ${seed}`,
  rules: 30,
  hit: 20,
  packets: 400,
  milliseconds: 1,
  ...rest,
})

test('numbers that follow one another are a range', t => {
  t.is(ranges([7, 3, 1, 2, 2]), '1-3, 7')
})

test('a rule set counts once whatever hooks it was tried at, and a refused program is no difference', t => {
  const trials = [
    tried(1, 'netfilter'),
    tried(1, 'early-tc'),
    tried(2, 'netfilter', { difference: 'a line', family: 6 }),
    tried(9, 'xdp', { difference: 'too large', refused: true }),
  ]
  t.is(
    summarise(trials),
    [
      '3 different rule sets in 4 trials (netfilter 2, early-tc 1, xdp 1)',
      'seeds 1-2, 9',
      '1600 packets, 120 rules, of which some packet met 80',
      '1 differences: seed 2 (IPv6 at netfilter)',
      '1 refused by the verifier: seed 9 (IPv4 at xdp)',
    ].join('\n'),
  )
})
