import type { Ruleset, Table } from 'iptables-parser'
import { ServiceError } from './error.ts'
import type { Generation } from './generation.ts'

/** A table that lets everything through unchanged, whatever it counts. */
export const isIdle = ({ chains }: Table): boolean =>
  chains.every(({ rules, policy }) => rules.length === 0 && policy === 'ACCEPT')

/**
 * xdp and tc judge INPUT ahead of every other table: what those would drop or change before the filter table has its say would be judged
 * and counted otherwise. Throws ServiceError('ERR_SETTING') naming them.
 */
export function requireNothingBefore(
  hook: Generation['hook'],
  rulesets: readonly Ruleset[],
  besides: readonly string[],
): void {
  if (hook === 'netfilter') return
  const own = rulesets.flatMap(({ tables }) =>
    tables.filter(table => table.name !== 'filter' && !isIdle(table)),
  )
  const names = [...new Set([...own.map(({ name }) => name), ...besides])]
  if (names.length === 0) return
  throw new ServiceError(
    'ERR_SETTING',
    `at ${hook} INPUT is judged before the tables ${names.join(', ')}, which come first in iptables`,
    'Use --hook netfilter, or take their rules out.',
  )
}
