// iptables -S: the commands that make a table.

import type { ListCommand } from './command.ts'
import { type Counters, noCounters } from './counters.ts'
import type { Family } from './family.ts'
import { printMatches, printRuleCore, printRuleTarget } from './print.ts'
import type { Rule } from './rule.ts'
import type { Chain, Table } from './ruleset.ts'
import { printChainName } from './value/chain-name.ts'

/** What -S prints of a table, or of one chain or rule of it; `counters` is -v. */
export function printCommands(
  table: Table,
  family: Family,
  counters: boolean,
  { chain, number }: Pick<ListCommand, 'chain' | 'number'> = {},
): string {
  const chains = table.chains.filter(one => chain === undefined || one.name === chain)
  const heads = number === undefined ? chains.map(one => printHead(one, counters)) : []
  const rules = chains.flatMap(one =>
    one.rules
      .filter((_, index) => number === undefined || number === index + 1)
      .map(rule => printCommand(one.name, rule, family, counters)),
  )
  return [...heads, ...rules].map(line => `${line}\n`).join('')
}

function printHead(chain: Chain, counters: boolean): string {
  if (!chain.policy) return `-N ${printChainName(chain.name)}`
  return `-P ${chain.name} ${chain.policy}${counters ? count(chain.counters) : ''}`
}

/** The counters stand before the target. */
const printCommand = (chain: string, rule: Rule, family: Family, counters: boolean): string =>
  [
    `-A ${printChainName(chain)}`,
    printRuleCore(rule),
    printMatches(rule, family),
    counters ? count(rule.counters) : '',
    printRuleTarget(rule, family),
  ].join('')

const count = ({ packets, bytes }: Counters = noCounters): string => ` -c ${packets} ${bytes}`
