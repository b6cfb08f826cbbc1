import { RuleError } from './error.ts'
import type { ChainTarget, Target } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Span } from './span.ts'

/** The chain that a rule goes to. */
export const calledBy = ({ target }: Rule): ChainTarget | undefined =>
  target && (target.kind === 'jump' || target.kind === 'goto') ? target : undefined

/** A name that turned out to be a chain's. */
export const jumpTo = (target: Target): ChainTarget => ({
  kind: 'jump',
  chain: target.kind,
  ...(target.span && { span: target.span }),
})

/** iptables' refusal of a target that is neither a chain nor known. */
export function noTarget({ kind, chain, span }: ChainTarget, whole: Span): RuleError {
  return new RuleError('ERR_CHAIN', `there is no chain or target "${chain}"`, {
    span: span ?? whole,
    hint: `a user chain is declared with a line ":${chain} - [0:0]"`,
    refusal: {
      status: 2,
      text:
        kind === 'goto'
          ? `goto '${chain}' is not a chain`
          : `Couldn't load target \`${chain}':No such file or directory\n`,
    },
  })
}
