import { calledBy, jumpTo, noTarget } from './chain-target.ts'
import {
  type Edit,
  type InsertCommand,
  NO_SUCH_RULE,
  type ReplaceCommand,
  type RuleCommand,
} from './command.ts'
import { type Counters, noCounters } from './counters.ts'
import { type Refusal, RuleError, refused } from './error.ts'
import type { TableName } from './extension.ts'
import { closed, empty, type OpenChain, opened } from './open-chain.ts'
import type { Rule } from './rule.ts'
import { baseChains, type Chain, type Table } from './ruleset.ts'
import { sameRule } from './same.ts'
import type { Span } from './span.ts'
import { shortenedName } from './value/chain.ts'

const NO_CHAIN: Refusal = { status: 1, text: 'No chain/target/match by that name' }
const INVALID: Refusal = { status: 1, text: "Invalid argument. Run `dmesg' for more information" }

/** Names a user chain cannot have, since as targets they are verdicts to libiptc. */
const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN'])

/**
 * A table while it is edited, as libiptc does it: one edit after the other, each refused or done. What is not touched is shared with
 * the table it came from, and chains are copied when they are first written to.
 */
export class TableEditor {
  readonly name: TableName
  readonly #base: readonly string[]
  readonly #chains = new Map<string, OpenChain>()
  /** How many rules name each chain; counted when first asked for. */
  #references: Map<string, number> | undefined
  /** What -Z leaves alone: counters set since the table was opened. */
  readonly #counted = new Set<Rule | OpenChain>()
  readonly #from: Table
  /** What was found last by each name that is written to, and that is called: most are asked for several times in a row. */
  #writtenName: string | undefined
  #written: OpenChain | undefined
  #called: string | undefined
  remarks: readonly string[] | undefined
  /** Remarks before COMMIT. */
  closing: readonly string[] | undefined
  #renewed = false
  #changed = false

  constructor(table: Table) {
    this.name = table.name
    this.#base = baseChains[table.name]
    this.#from = table
    for (const chain of table.chains) this.#chains.set(chain.name, opened(chain))
  }

  static create(name: TableName, span?: Span): TableEditor {
    const chains = baseChains[name].map((chain): Chain => ({ name: chain, policy: 'ACCEPT', rules: [] }))
    return new TableEditor({ name, chains, ...(span && { span }) })
  }

  build(): Table {
    const { remarks, closing } = this
    if (!this.#changed && !remarks && !closing) return this.#from
    const chain = (name: string): Chain => closed(name, this.#chains.get(name))
    const names = this.#renewed ? this.#sortedNames() : [...this.#chains.keys()]
    return {
      ...this.#from,
      chains: names.map(chain),
      ...(remarks && { remarks }),
      ...(closing && { closing }),
    }
  }

  #sortedNames(): string[] {
    const user = [...this.#chains.keys()].filter(name => !this.#base.includes(name))
    // libiptc sorts user chains with strcmp
    return [...this.#base, ...user.sort()]
  }

  has(chain: string): boolean {
    return this.#chains.has(chain)
  }

  /** Makes one edit. Throws RuleError where iptables would refuse it; the table is of no use then. */
  apply(edit: Edit, span: Span): void {
    switch (edit.kind) {
      case 'append':
        this.#appendAll(edit, span)
        break
      case 'insert':
        this.#insert(edit, span)
        break
      case 'replace':
        this.#replace(edit, span)
        break
      case 'check':
        this.#findAll(edit, span)
        break
      case 'delete':
        this.#findAll(edit, span, index => this.#removeAt(edit.chain, index))
        break
      case 'delete-number':
        this.#deleteNumber(edit.chain, edit.number, span)
        break
      case 'flush':
        this.flush(edit.chain, span)
        break
      case 'zero':
        for (const name of this.#named(edit.chain, span)) this.#zero(name)
        break
      case 'zero-rule':
        this.#zeroRule(edit.chain, edit.number, span)
        break
      case 'new-chain':
        this.#create(edit.chain, span)
        break
      case 'delete-chain':
        this.deleteChain(edit.chain, span)
        break
      case 'rename-chain':
        this.#rename(edit.chain, edit.to, span)
        break
      case 'policy':
        this.setPolicy(edit.chain, edit.policy, edit.counters, span)
        break
      case 'list':
      case 'list-rules':
        this.#list(edit, span)
        break
    }
  }

  /** Makes the edit that most lines of a rule file are. */
  append(name: string, rule: Rule, span: Span): void {
    // no chain has the name of a verdict
    const isVerdict = rule.target !== undefined && VERDICTS.has(rule.target.kind)
    const resolved = isVerdict ? rule : this.#resolve(rule, span)
    const chain = this.#open(name, span)
    if (!isVerdict) this.#checkTarget(resolved, span)
    this.#write(chain).push(resolved)
    if (rule.counters || this.#references) this.#added(resolved)
  }

  #appendAll(edit: RuleCommand, span: Span): void {
    const resolved = edit.rules.map(rule => this.#resolve(rule, span))
    const chain = this.#open(edit.chain, span)
    this.#checkRules(resolved, edit.refused, span)
    const into = this.#write(chain)
    for (const rule of resolved) {
      into.push(rule)
      this.#added(rule)
    }
  }

  #insert({ chain: name, number, rules, refused: why }: InsertCommand, span: Span): void {
    const resolved = rules.map(rule => this.#resolve(rule, span))
    const chain = this.#open(name, span)
    if (number > chain.rules.length + 1)
      throw refused('ERR_RULE', { status: 1, text: 'Index of insertion too big' }, { span })
    this.#checkRules(resolved, why, span)
    this.#write(chain).splice(number - 1, 0, ...resolved.toReversed())
    for (const rule of resolved) this.#added(rule)
  }

  #replace({ chain: name, number, rule, refused: why }: ReplaceCommand, span: Span): void {
    const resolved = this.#resolve(rule, span)
    const chain = this.#open(name, span)
    const old = chain.rules[number - 1]
    if (!old) throw refused('ERR_RULE', { status: 1, text: 'Index of replacement too big' }, { span })
    this.#checkRules([resolved], why, span)
    this.#write(chain)[number - 1] = resolved
    this.#removed(old)
    this.#added(resolved)
  }

  /** What only the kernel, or libiptc, finds wrong with rules. */
  #checkRules(rules: readonly Rule[], why: RuleError | undefined, span: Span): void {
    if (why) throw why
    for (const rule of rules) this.#checkTarget(rule, span)
  }

  /** Finds the first rule that is the same as each; one the kernel would refuse is in no chain. */
  #findAll({ chain, rules, refused: why }: RuleCommand, span: Span, found?: (index: number) => void): void {
    for (const rule of rules) {
      const wanted = this.#resolve(rule, span)
      const index = this.#find(chain, wanted, why !== undefined, span)
      found?.(index)
    }
  }

  #find(name: string, wanted: Rule, impossible: boolean, span: Span): number {
    const chain = this.#chains.get(name)
    if (chain) this.#checkTarget(wanted, span)
    const index = impossible || !chain ? -1 : chain.rules.findIndex(other => sameRule(other, wanted))
    if (index >= 0) return index
    // libiptc has looked for the chain named last, and words its failure for that
    throw refused('ERR_RULE', chain && calledBy(wanted) ? NO_CHAIN : NO_SUCH_RULE, { span })
  }

  #deleteNumber(name: string, number: number, span: Span): void {
    if (number > this.#open(name, span).rules.length)
      throw refused('ERR_RULE', { status: 1, text: 'Index of deletion too big' }, { span })
    this.#removeAt(name, number - 1)
  }

  #removeAt(name: string, index: number): void {
    const chain = this.#chains.get(name)
    for (const rule of chain ? this.#write(chain).splice(index, 1) : []) this.#removed(rule)
  }

  /** Of one chain, or of all. */
  flush(name: string | undefined, span: Span): void {
    for (const each of this.#named(name, span)) {
      const chain = this.#open(each, span)
      if (chain.rules.length === 0) continue
      for (const rule of chain.rules) this.#removed(rule)
      this.#touch(chain)
      chain.rules = []
    }
  }

  #zero(name: string): void {
    const chain = this.#chains.get(name)
    if (!chain) return
    const { rules, counters } = chain
    if (counters && !this.#counted.has(chain)) {
      this.#touch(chain)
      chain.counters = noCounters
    }
    if (!rules.some(rule => rule.counters && !this.#counted.has(rule))) return
    this.#touch(chain)
    chain.rules = rules.map(rule => (this.#counted.has(rule) ? rule : withoutCounters(rule)))
  }

  #zeroRule(name: string, number: number, span: Span): void {
    const chain = this.#open(name, span)
    const rule = chain.rules[number - 1]
    if (!rule) throw refused('ERR_RULE', { status: 1, text: 'Index of counter too big' }, { span })
    if (!this.#counted.has(rule)) this.#write(chain)[number - 1] = withoutCounters(rule)
  }

  #create(name: string, span: Span): void {
    if (this.#chains.has(name) || VERDICTS.has(name))
      throw refused('ERR_CHAIN', { status: 1, text: 'Chain already exists' }, { span })
    this.#chains.set(name, empty(span))
    this.#renew()
  }

  /** A line `:CHAIN …` of a rule file. An existing user chain is emptied where the file is merged (`-n`), and refused otherwise. */
  declare(name: string, merge: boolean, span: Span): void {
    const chain = this.#chains.get(name)
    if (chain && merge) this.flush(name, span)
    else if (chain || VERDICTS.has(name))
      throw new RuleError('ERR_CHAIN', `the chain ${name} is there already`, {
        span,
        refusal: { status: 2, text: `error creating chain '${name}':File exists\n` },
      })
    else this.#create(name, span)
  }

  /** Of one chain, or of all user chains; then the last that cannot be is the one complained of. */
  deleteChain(name: string | undefined, span: Span): void {
    const names = name === undefined ? this.#sortedNames().slice(this.#base.length) : [name]
    let error: RuleError | undefined
    for (const each of names) {
      error = this.#whyNotDelete(each, span) ?? error
      this.#remove(each)
    }
    if (error) throw error
    if (names.length > 0) this.#renew()
  }

  #whyNotDelete(name: string, span: Span): RuleError | undefined {
    const chain = this.#open(name, span)
    if (this.#base.includes(name)) return refused('ERR_CHAIN', INVALID, { span })
    if (this.#countReferences().get(name))
      return refused(
        'ERR_CHAIN',
        { status: 1, text: 'Too many links' },
        { span, hint: `rules jump to ${name}` },
      )
    if (chain.rules.length > 0)
      return refused(
        'ERR_CHAIN',
        { status: 1, text: 'Directory not empty' },
        { span, hint: `${name} has rules` },
      )
    return undefined
  }

  #rename(name: string, to: string, span: Span): void {
    if (this.#chains.has(to) || VERDICTS.has(to))
      throw refused('ERR_CHAIN', { status: 1, text: 'File exists' }, { span })
    const chain = this.#chains.get(name)
    if (!chain || this.#base.includes(name)) throw refused('ERR_CHAIN', NO_CHAIN, { span })
    // iptables-legacy takes that, and prints rules that call the chain without their target
    if (to === '')
      throw new RuleError('ERR_CHAIN', 'a chain must have a name', {
        span,
        hint: 'rules that call it could not be saved',
      })
    this.#touch(chain)
    this.#remove(name)
    const given = shortenedName(to)
    this.#chains.set(given, chain)
    this.#renew()
    for (const other of this.#chains.values())
      if (other.rules.some(rule => calledBy(rule)?.chain === name)) this.#retarget(other, name, given)
    this.#references = undefined
  }

  #retarget(chain: OpenChain, from: string, to: string): void {
    this.#touch(chain)
    chain.rules = chain.rules.map(rule => {
      const target = calledBy(rule)
      return target?.chain === from ? { ...rule, target: { ...target, chain: to } } : rule
    })
  }

  /** Without counters they become zero. */
  setPolicy(name: string, policy: string, counters: Counters | undefined, span: Span): void {
    const chain = this.#base.includes(name) ? this.#chains.get(name) : undefined
    if (!chain) throw refused('ERR_CHAIN', { status: 1, text: 'Bad built-in chain name' }, { span })
    if (policy !== 'ACCEPT' && policy !== 'DROP')
      throw new RuleError('ERR_CHAIN', `"${policy}" is not a policy`, {
        span,
        hint: 'policies are ACCEPT and DROP',
        refusal: { status: 1, text: "Bad policy name. Run `dmesg' for more information" },
      })
    this.#touch(chain)
    chain.policy = policy
    chain.span = span
    chain.counters = counters ?? noCounters
    if (counters) this.#counted.add(chain)
  }

  hasChain(name: string): boolean {
    if (name === this.#called) return true
    const isThere = this.#chains.has(name)
    if (isThere) this.#called = name
    return isThere
  }

  #remove(name: string): void {
    this.#chains.delete(name)
    this.#writtenName = undefined
    this.#called = undefined
  }

  remark(chain: string, remarks: readonly string[]): void {
    const open = this.#chains.get(chain)
    if (!open) return
    this.#touch(open)
    open.remarks = remarks
  }

  #list(edit: Extract<Edit, { kind: 'list' | 'list-rules' }>, span: Span): void {
    if (edit.chain !== undefined) this.#open(edit.chain, span)
    if (edit.zero === 'rule') this.#zeroRule(edit.chain ?? '', edit.number ?? 1, span)
    else if (edit.zero) for (const name of this.#named(edit.chain, span)) this.#zero(name)
  }

  /** What -j names: a chain of the table before a target of that name. Throws where it is neither. */
  #resolve(rule: Rule, span: Span): Rule {
    const { target } = rule
    if (!target || target.kind === 'unknown') return rule
    const called = calledBy(rule)
    if (!called) return this.#chains.has(target.kind) ? { ...rule, target: jumpTo(target) } : rule
    if (!this.hasChain(called.chain)) throw noTarget(called, span)
    return rule
  }

  /** No rule can jump to a base chain. */
  #checkTarget(rule: Rule, span: Span): void {
    const called = calledBy(rule)
    if (called && this.#base.includes(called.chain))
      throw new RuleError('ERR_CHAIN', `${called.chain} is a base chain; rules cannot jump to it`, {
        span: called.span ?? span,
        refusal: INVALID,
      })
  }

  #open(name: string, span: Span): OpenChain {
    const chain = name === this.#writtenName ? this.#written : this.#chains.get(name)
    if (chain) {
      this.#writtenName = name
      this.#written = chain
      return chain
    }
    throw new RuleError('ERR_CHAIN', `there is no chain ${name} in the table ${this.name}`, {
      span,
      hint: `declare it first with a line ":${name} - [0:0]"`,
      refusal: NO_CHAIN,
    })
  }

  #named(name: string | undefined, span: Span): string[] {
    if (name === undefined) return [...this.#chains.keys()]
    this.#open(name, span)
    return [name]
  }

  #touch(chain: OpenChain): void {
    this.#changed = true
    chain.unchanged = undefined
  }

  /** A chain's rules, to be written to; they are copied the first time. */
  #write(chain: OpenChain): Rule[] {
    this.#touch(chain)
    if (chain.copy !== chain.rules || !chain.copy) {
      chain.copy = [...chain.rules]
      chain.rules = chain.copy
    }
    return chain.copy
  }

  #renew(): void {
    this.#changed = true
    this.#renewed = true
  }

  #added(rule: Rule): void {
    if (rule.counters && rule.counters !== noCounters) this.#counted.add(rule)
    this.#count(rule, 1)
  }

  #removed(rule: Rule): void {
    this.#count(rule, -1)
  }

  #count(rule: Rule, by: number): void {
    const called = this.#references && calledBy(rule)?.chain
    if (called) this.#references?.set(called, (this.#references.get(called) ?? 0) + by)
  }

  #countReferences(): ReadonlyMap<string, number> {
    if (!this.#references) {
      this.#references = new Map()
      for (const chain of this.#chains.values()) for (const rule of chain.rules) this.#count(rule, 1)
    }
    return this.#references
  }
}

function withoutCounters(rule: Rule): Rule {
  if (!rule.counters) return rule
  const { counters: _, ...rest } = rule
  return rest
}
