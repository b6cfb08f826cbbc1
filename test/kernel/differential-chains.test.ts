// Random graphs of chains next to iptables-legacy: more chains than the kernel takes functions, deeper than it takes frames, called from
// trees and by look-ups. BPFTABLES_SEED=n begins with the seed of a failure; half of BPFTABLES_DIFFERENTIAL_SECONDS is for all tests of this file together.

import { parseSave } from 'iptables-parser'
import { chains } from '../../bench/series/chains.ts'
import type { Strategies } from '../../translator/chain.ts'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { type DirectHook, direct } from './harness/direct.ts'
import { type RandomChainsOptions, randomChains } from './harness/random-chains.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

type Shape = Pick<RandomChainsOptions, 'chains' | 'depth' | 'listed' | 'pods'>

const few: Shape = { chains: 12, depth: 3, listed: 20, pods: 10 }
const deep: Shape = { chains: 40, depth: 10, listed: 30, pods: 4 }
const many: Shape = { chains: 300, depth: 4, listed: 120, pods: 30 }
const alike: Shape = { chains: 20, depth: 3, listed: 70, pods: 240 }

const cases: readonly (readonly [
  name: string,
  hook: DirectHook,
  shape: Shape,
  strategies: Partial<Strategies>,
])[] = [
  ['few chains', 'netfilter', few, {}],
  ['few chains, all looked up', 'netfilter', few, { leastDispatch: 1, dispatch: 'always' }],
  ['few chains, before netfilter', 'early-tc', few, { leastDispatch: 1, dispatch: 'always' }],
  ['chains ten deep', 'netfilter', deep, {}],
  ['chains ten deep, all looked up', 'netfilter', deep, { leastDispatch: 1, dispatch: 'always' }],
  ['chains that are alike', 'netfilter', alike, {}],
  ['chains that are alike, all looked up', 'netfilter', alike, { leastDispatch: 1, dispatch: 'always' }],
  ['chains that are alike, before netfilter', 'early-tc', alike, {}],
  ['300 chains', 'netfilter', many, {}],
  ['300 chains in nothing but code', 'netfilter', many, { dispatch: 'never' }],
  // the kernel goes along every way of calls, and look-ups that share maps are one call each (check_max_stack_depth in kernel/bpf/verifier.c)
  ['100 chains, all looked up', 'xdp', { ...many, chains: 100 }, { leastDispatch: 1, dispatch: 'always' }],
]

const { BPFTABLES_SEED: givenSeed, BPFTABLES_DIFFERENTIAL_SECONDS: givenSeconds } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const budget = (500 * Number(givenSeconds ?? 30)) / cases.length

for (const [name, hook, shape, strategies] of cases)
  kernelTest(`${name}: every call is counted and returns as in iptables-legacy`, async t => {
    t.timeout(10 * 60_000)
    const end = performance.now() + budget
    let seed = firstSeed
    do {
      for (const family of families) {
        const rules = randomChains({ seed, family, ...shape })
        const experiment = { rules, ...aim(parseSave(rules, { family }), { seed }) }
        const fault = await disagreement(direct(hook, strategies), experiment)
        if (fault !== undefined) return t.fail(`BPFTABLES_SEED=${seed} (IPv${family})\n${fault}`)
      }
      seed++
    } while (performance.now() < end)
    t.log(`seeds ${firstSeed} to ${seed - 1}`)
    t.pass()
  })

kernelTest('4,003 chains of 2,000 pods decide and count as in iptables-legacy', async t => {
  t.timeout(10 * 60_000)
  const [, , size = 0] = chains.sizes
  const rules = chains.make(size, 1).text.replaceAll('-A INPUT', '-A FORWARD')
  const experiment = { rules, ...aim(parseSave(rules, { family: 4 }), { seed: firstSeed }) }
  t.is(await disagreement(direct('netfilter'), experiment), undefined, `BPFTABLES_SEED=${firstSeed}`)
})
