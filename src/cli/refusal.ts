import { formatError } from 'iptables-parser'
import type { Refusal } from '../../translator/translate.ts'

/** A refused rule as compilers print errors: place, reason, the line with a caret, and what to do. */
export const describeRefusal = ({ rule, span, reason, hint }: Refusal): string =>
  formatError({ message: `cannot translate ${rule.rule}: ${reason}`, span, hint })

/** Prints all that was refused, and how many that is. */
export function printRefusals(refusals: readonly Refusal[]): void {
  for (const refusal of refusals) process.stderr.write(`${describeRefusal(refusal)}\n`)
  const count = refusals.length === 1 ? 'one rule does' : `${refusals.length} rules do`
  process.stderr.write(`${count} not translate; nothing was done\n`)
}
