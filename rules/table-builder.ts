import type { Counters } from './counters.ts'
import { RuleError } from './error.ts'
import type { TableName } from './extension.ts'
import type { Rule } from './rule.ts'
import { baseChains, type Chain, type Policy, type Table } from './ruleset.ts'
import type { Span } from './span.ts'

interface OpenChain {
  policy?: Policy
  counters?: Counters
  span?: Span
  readonly rules: Rule[]
}

/** A table while it is read; only what it builds leaves the parser. */
export class TableBuilder {
  readonly name: TableName
  readonly span: Span | undefined
  readonly #chains = new Map<string, OpenChain>()

  constructor(name: TableName, span?: Span) {
    this.name = name
    this.span = span
    for (const chain of baseChains[name]) this.#chains.set(chain, { policy: 'ACCEPT', rules: [] })
  }

  addChain(name: string, span: Span): void {
    this.#chains.set(name, { span, rules: [] })
  }

  /** `-` as policy leaves it as it is. */
  setPolicy(name: string, policy: Policy | undefined, counters: Counters | undefined, span: Span): void {
    const chain = this.#open(name, span)
    chain.span = span
    if (policy) chain.policy = policy
    if (counters) chain.counters = counters
  }

  append(name: string, rule: Rule, span: Span): void {
    this.#open(name, span).rules.push(rule)
  }

  build(): Table {
    const chain = (name: string): Chain => ({ name, ...(this.#chains.get(name) ?? { rules: [] }) })
    const base = baseChains[this.name]
    const user = [...this.#chains.keys()].filter(name => !base.includes(name)).sort(byBytes)
    return { name: this.name, chains: [...base, ...user].map(chain), ...(this.span && { span: this.span }) }
  }

  #open(name: string, span: Span): OpenChain {
    const chain = this.#chains.get(name)
    if (!chain)
      throw new RuleError('ERR_CHAIN', `there is no chain ${name} in the table ${this.name}`, {
        span,
        hint: `declare it first with a line ":${name} - [0:0]"`,
      })
    return chain
  }
}

/** libiptc sorts user chains with strcmp. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
