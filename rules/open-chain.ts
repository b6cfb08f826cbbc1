// Chains while they are edited (edit-table.ts). Rule sets have thousands.

import type { Counters } from './counters.ts'
import type { Rule } from './rule.ts'
import type { Chain, Policy } from './ruleset.ts'
import type { Span } from './span.ts'

/** A chain being edited. */
export interface OpenChain {
  policy: Policy | undefined
  counters: Counters | undefined
  span: Span | undefined
  rules: readonly Rule[]
  remarks: readonly string[] | undefined
  /** The rules, once they are a copy that is ours to write to. */
  copy: Rule[] | undefined
  /** The chain this was opened from, while nothing of it has changed. */
  unchanged: Chain | undefined
}

// each field is written once, where it will stay

export const opened = (chain: Chain): OpenChain => ({
  policy: chain.policy,
  counters: chain.counters,
  span: chain.span,
  rules: chain.rules,
  remarks: chain.remarks,
  copy: undefined,
  unchanged: chain,
})

export const empty = (span: Span): OpenChain => ({
  policy: undefined,
  counters: undefined,
  span,
  rules: [],
  remarks: undefined,
  copy: undefined,
  unchanged: undefined,
})

export function closed(name: string, chain: OpenChain | undefined): Chain {
  if (!chain) return { name, rules: [] }
  if (chain.unchanged) return chain.unchanged
  const { policy, counters, span, remarks } = chain
  // an array that was pushed to has room for more
  const rules = chain.rules.slice()
  if (span && !policy && !counters && !remarks) return { name, rules, span }
  return {
    name,
    ...(policy && { policy }),
    ...(counters && { counters }),
    rules,
    ...(remarks && { remarks }),
    ...(span && { span }),
  }
}
