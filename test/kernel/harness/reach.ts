import { type Chain, chainOf, type Rule, type Ruleset, type Table, type TableName } from 'iptables-parser'
import type { Path } from './probe.ts'

/** A rule and one way to it. */
export interface Reach {
  /** The way of the packets that come to it. */
  readonly hook: Path['hook']
  readonly table: TableName
  /** The base chain it is below. */
  readonly base: string
  readonly chain: string
  /** From 1. */
  readonly number: number
  readonly rule: Rule
  /** The rules whose jumps lead to its chain, outermost first. */
  readonly callers: readonly Rule[]
}

/** The base chains that packets meet on each way, in whichever table. */
const ways: Readonly<Record<Path['hook'], readonly string[]>> = {
  INPUT: ['PREROUTING', 'INPUT'],
  FORWARD: ['PREROUTING', 'FORWARD', 'POSTROUTING'],
  OUTPUT: ['OUTPUT', 'POSTROUTING'],
}
const hooks = Object.keys(ways) as readonly Path['hook'][]

const calls = ({ rules }: Chain): readonly { readonly rule: Rule; readonly chain: string }[] =>
  rules.flatMap(rule => {
    const { target } = rule
    return target?.kind === 'jump' || target?.kind === 'goto' ? [{ rule, chain: target.chain }] : []
  })

/** Every rule of the tables, by the first ways a depth-first walk from each base chain finds to its chain. */
export const reachesOf = ({ tables }: Ruleset, most = 2): readonly Reach[] =>
  tables.flatMap(table =>
    hooks.flatMap(hook => ways[hook].flatMap(base => reachesFrom(table, hook, base, most))),
  )

const reachesFrom = (table: Table, hook: Path['hook'], base: string, most: number): readonly Reach[] => {
  const reaches: Reach[] = []
  const visits = new Map<string, number>()
  const visit = (name: string, callers: readonly Rule[]): void => {
    const chain = chainOf(table, name)
    const before = visits.get(name) ?? 0
    if (chain === undefined || before === most) return
    visits.set(name, before + 1)
    chain.rules.forEach((rule, index) => {
      reaches.push({ hook, table: table.name, base, chain: name, number: index + 1, rule, callers })
    })
    for (const call of calls(chain)) visit(call.chain, [...callers, call.rule])
  }
  visit(base, [])
  return reaches
}
