// What only the whole rule set can tell: whether the chains that rules name exist, and whether they call one another in a circle.

import { RuleError } from './error.ts'
import type { ChainTarget } from './registry.ts'
import { type Chain, isBaseChain, type Ruleset, type Table } from './ruleset.ts'

/** Throws RuleError for the first rule the kernel would refuse the table for. */
export function checkRuleset(ruleset: Ruleset): void {
  for (const table of ruleset.tables) {
    checkTargets(table)
    checkLoops(table)
  }
}

export const chainTarget = (rule: Chain['rules'][number]): ChainTarget | undefined =>
  rule.target?.kind === 'jump' || rule.target?.kind === 'goto' ? rule.target : undefined

function checkTargets(table: Table): void {
  const names = new Set(table.chains.map(chain => chain.name))
  for (const chain of table.chains)
    for (const rule of chain.rules) {
      const target = chainTarget(rule)
      if (target && isBaseChain(table.name, target.chain))
        throw new RuleError(
          'ERR_CHAIN',
          `${target.chain} is a base chain; rules cannot jump to it`,
          placeOf(target),
        )
      if (target && !names.has(target.chain))
        throw new RuleError('ERR_CHAIN', `there is no chain or target "${target.chain}"`, {
          ...placeOf(target),
          hint: `a user chain is declared with a line ":${target.chain} - [0:0]"`,
        })
    }
}

const placeOf = ({ span }: ChainTarget): { span?: NonNullable<ChainTarget['span']> } => (span ? { span } : {})

/** Only chains that a base chain can reach count: the kernel walks from the hooks (mark_source_chains). */
function checkLoops(table: Table): void {
  const chains = new Map(table.chains.map(chain => [chain.name, chain]))
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string, by?: ChainTarget): void => {
    if (path.includes(name))
      throw new RuleError(
        'ERR_LOOP',
        `the chains call one another in a circle: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`,
        { ...(by && placeOf(by)), hint: 'take out one of the jumps' },
      )
    if (done.has(name)) return
    path.push(name)
    for (const rule of chains.get(name)?.rules ?? []) {
      const target = chainTarget(rule)
      if (target) visit(target.chain, target)
    }
    path.pop()
    done.add(name)
  }
  for (const chain of table.chains) if (chain.policy) visit(chain.name)
}
