// Random graphs of many chains, and random edits of them: rules that come and go in base chains, in lists that call chains, in the chains of pods, and calls among all of these.

import type { Family } from 'iptables-parser'
import type { Random } from '../harness/random.ts'
import { type RandomChainsOptions, sketchChains } from '../harness/random-chains.ts'
import { editWords, type Sketched, type Verb } from './random-edits.ts'

export type Shape = Omit<RandomChainsOptions, 'seed' | 'family'>

const verbs: readonly Verb[] = ['append', 'insert', 'replace', 'delete at', 'append', 'delete same']

export function sketchCalls(random: Random, family: Family, shape: Shape): Sketched {
  const { rules, another } = sketchChains({ ...shape, seed: random.below(2 ** 31), family })
  return {
    rules,
    edit(count, ruleAt) {
      const [chain, rule] = another()
      const length = count(chain)
      const number = 1 + random.below(Math.max(1, length))
      const verb = verbs[random.below(length === 0 ? 2 : 6)]
      return editWords(verb, { chain, number, rule: rule.split(' '), ruleAt })
    },
  }
}
