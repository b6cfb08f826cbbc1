import { baseChains, type Chain, chainOf, type Rule, type Ruleset, tableOf } from 'iptables-parser'
import type { Path } from './probe.ts'

/** A rule of the filter table and one way to it. */
export interface Reach {
  readonly hook: Path['hook']
  readonly chain: string
  /** From 1. */
  readonly number: number
  readonly rule: Rule
  /** The rules whose jumps lead to its chain, outermost first. */
  readonly callers: readonly Rule[]
}

const hooks: readonly Path['hook'][] = ['INPUT', 'FORWARD', 'OUTPUT']

const calls = ({ rules }: Chain): readonly { readonly rule: Rule; readonly chain: string }[] =>
  rules.flatMap(rule => {
    const { target } = rule
    return target?.kind === 'jump' || target?.kind === 'goto' ? [{ rule, chain: target.chain }] : []
  })

/** Every rule of the filter table, by the first ways a depth-first walk from each base chain finds to its chain. */
export const reachesOf = (ruleset: Ruleset, ways = 2): readonly Reach[] => {
  const table = tableOf(ruleset, 'filter')
  if (table === undefined) return []
  const reaches: Reach[] = []
  const visits = new Map<string, number>()
  const visit = (hook: Path['hook'], name: string, callers: readonly Rule[]): void => {
    const key = `${hook} ${name}`
    const chain = chainOf(table, name)
    const before = visits.get(key) ?? 0
    if (chain === undefined || before === ways) return
    visits.set(key, before + 1)
    chain.rules.forEach((rule, index) => {
      reaches.push({ hook, chain: name, number: index + 1, rule, callers })
    })
    for (const call of calls(chain)) visit(hook, call.chain, [...callers, call.rule])
  }
  for (const hook of hooks) if (baseChains.filter.includes(hook)) visit(hook, hook, [])
  return reaches
}
