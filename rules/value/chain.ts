import { RuleError } from '../error.ts'
import type { Token } from '../token.ts'
import { utf8Length } from './quote.ts'

/** XT_EXTENSION_MAXNAMELEN, with its NUL. */
const SIZE = 29

/** A chain's name as iptables takes it (assert_valid_chain_name in iptables/xshared.c). */
export function parseChainName({ text, span }: Pick<Token, 'text' | 'span'>): string {
  if (text === '' || /^[-!]|[\s\0]/.test(text))
    throw new RuleError('ERR_CHAIN', `"${text}" cannot name a chain`, { span })
  if (utf8Length(text) >= SIZE)
    throw new RuleError('ERR_CHAIN', `the chain name "${text}" is too long`, {
      span,
      hint: `at most ${SIZE - 1} bytes`,
    })
  return text
}
