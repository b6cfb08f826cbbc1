// Which tables of a rule set become programs. The filter table does, or is refused rule by rule; raw and mangle only where every rule of
// theirs translates, and else stay as a whole with the kernel's own iptables, so that each table is judged in one place; the others always stay.

import {
  type Chain,
  chainOf,
  type Family,
  printAppend,
  type Rule,
  type Ruleset,
  type Span,
  type Table,
  type TableName,
} from 'iptables-parser'
import { hooksOfTable, netfilterPlaces } from './hook/place.ts'
import { RuleUntranslatable, ruleItems } from './item.ts'
import type { Lane } from './lane.ts'
import { Untranslatable } from './match/translate.ts'

/** A table that stays with the kernel's own iptables. */
export interface LeftTable {
  readonly table: Table
  /** For a raw or mangle table: the first rule that does not translate, and why. */
  readonly reason: string
  readonly span?: Span
}

/** A rule set taken apart: what programs are made of, and what they leave. */
export interface Shares {
  readonly own: Ruleset
  readonly left: readonly LeftTable[]
}

/** Pure: the same rule set is always shared in the same way. */
export function shareOut(ruleset: Ruleset): Shares {
  const left = ruleset.tables.flatMap(table => leftTable(table, ruleset.family) ?? [])
  const leaving = new Set(left.map(({ table }) => table))
  return { own: { ...ruleset, tables: ruleset.tables.filter(table => !leaving.has(table)) }, left }
}

const always: Readonly<Partial<Record<TableName, string>>> = {
  nat: 'addresses are translated by the kernel',
  security: 'security marks are set by the kernel',
}

/** Undefined for a table that programs can be. */
export function leftTable(table: Table, family: Family): LeftTable | undefined {
  const why = always[table.name]
  if (why !== undefined) return { table, reason: why }
  return table.name === 'filter' ? undefined : firstObstacle(table, family)
}

function firstObstacle(table: Table, family: Family): LeftTable | undefined {
  for (const hook of hooksOfTable(table.name))
    for (const chain of reachable(table, netfilterPlaces[hook].chain))
      for (const rule of chain.rules) {
        const obstacle = obstacleOf(rule, { hook, family } as Lane, family)
        if (!obstacle) continue
        const span = obstacle.part?.span ?? rule.span
        const reason = `${printAppend(chain.name, rule, family)}: ${obstacle.message}`
        return { table, reason, ...(span && { span }) }
      }
  return undefined
}

interface Obstacle {
  readonly message: string
  readonly part?: { readonly span?: Span }
}

function obstacleOf(rule: Rule, lane: Lane, family: Family): Obstacle | undefined {
  try {
    ruleItems(rule, 0, lane, family)
    return undefined
  } catch (error) {
    if (error instanceof RuleUntranslatable)
      return { message: error.message, ...(error.part && { part: error.part }) }
    if (error instanceof Untranslatable) return { message: error.message }
    throw error
  }
}

/** A base chain and all it leads to. */
function reachable(table: Table, base: string): ReadonlySet<Chain> {
  const chains = new Set<Chain>()
  const add = (name: string): void => {
    const chain = chainOf(table, name)
    if (chain) chains.add(chain)
  }
  add(base)
  // a set yields what is added to it while it is walked
  for (const { rules } of chains)
    for (const { target } of rules) if (target?.kind === 'jump' || target?.kind === 'goto') add(target.chain)
  return chains
}
