// Random graphs of many chains, and random edits of them: rules that come and go in base chains, in lists that call chains, in the chains of pods, and calls among all of these.

import type { Family } from 'iptables-parser'
import type { Random } from '../harness/random.ts'
import { type RandomChainsOptions, sketchChains } from '../harness/random-chains.ts'
import type { Sketched } from './random-edits.ts'

export type Shape = Omit<RandomChainsOptions, 'seed' | 'family'>

export function sketchCalls(random: Random, family: Family, shape: Shape): Sketched {
  const { rules, another } = sketchChains({ ...shape, seed: random.below(2 ** 31), family })
  return {
    rules,
    edit(count, ruleAt) {
      const [chain, rule] = another()
      const words = rule.split(' ')
      const length = count(chain)
      const number = 1 + random.below(Math.max(1, length))
      switch (random.below(length === 0 ? 2 : 6)) {
        case 0:
          return ['-A', chain, ...words]
        case 1:
          return ['-I', chain, `${number}`, ...words]
        case 2:
          return ['-R', chain, `${number}`, ...words]
        case 3:
          return ['-D', chain, `${number}`]
        case 4:
          return ['-A', chain, ...words]
        default:
          return ['-D', chain, ...ruleAt(chain, number).split(' ')]
      }
    },
  }
}
