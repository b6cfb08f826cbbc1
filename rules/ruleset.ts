import type { Counters } from './counters.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import type { Rule } from './rule.ts'
import type { Located } from './span.ts'

export type Policy = 'ACCEPT' | 'DROP'

export interface Chain extends Located {
  readonly name: string
  /** Base chains have one, and user chains do not. */
  readonly policy?: Policy
  /** Of the policy. */
  readonly counters?: Counters
  readonly rules: readonly Rule[]
  /** Lines `# …` that stood before it, where they were asked for; so in tables. */
  readonly remarks?: readonly string[]
}

export interface Table extends Located {
  readonly name: TableName
  /** Base chains first, in the order of their hooks, then the user chains by name, as libiptc keeps them. */
  readonly chains: readonly Chain[]
  readonly remarks?: readonly string[]
  /** Those that stood before COMMIT. */
  readonly closing?: readonly string[]
}

export interface Ruleset {
  readonly family: Family
  readonly tables: readonly Table[]
  /** Remarks behind the last table. */
  readonly closing?: readonly string[]
}

/** The base chains of each table in the order of their hooks (net/ipv4/netfilter/iptable_*.c). */
export const baseChains: Readonly<Record<TableName, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

export const tableNames = Object.keys(baseChains) as readonly TableName[]

export const isTableName = (name: string): name is TableName => Object.hasOwn(baseChains, name)

export const isBaseChain = (table: TableName, chain: string): boolean => baseChains[table].includes(chain)

export const tableOf = (ruleset: Ruleset, name: TableName): Table | undefined =>
  ruleset.tables.find(table => table.name === name)

export const chainOf = (table: Table, name: string): Chain | undefined =>
  table.chains.find(chain => chain.name === name)
