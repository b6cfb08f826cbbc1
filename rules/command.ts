import { parseRules, type RuleContext } from './arguments.ts'
import { RuleError } from './error.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import type { Rule } from './rule.ts'
import type { Span } from './span.ts'
import type { Token } from './token.ts'
import { parseChainName } from './value/chain.ts'

/** What one line of a rule file, or one iptables command, does to a table. */
export interface AppendCommand {
  readonly kind: 'append'
  readonly chain: string
  readonly rules: readonly Rule[]
}

export type Command = AppendCommand

const APPEND: ReadonlySet<string> = new Set(['-A', '--append'])

/** Reads the arguments of one command. Throws RuleError. */
export function parseCommand(
  tokens: readonly Token[],
  family: Family,
  table: TableName,
  span: Span,
): Command {
  const at = tokens.findIndex(token => !token.quoted && APPEND.has(token.text))
  const chain = tokens[at + 1]
  if (at < 0 || !chain)
    throw new RuleError('ERR_SYNTAX', 'not a rule: it must begin with -A and a chain', { span })
  const context: RuleContext = { family, table, chain: parseChainName(chain) }
  const rules = parseRules([...tokens.slice(0, at), ...tokens.slice(at + 2)], context, span)
  return { kind: 'append', chain: context.chain, rules }
}
