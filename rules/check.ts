// What only a whole table can tell: whether its chains call one another in a circle, and what stands below which base chain.

import { calledBy } from './chain-target.ts'
import { RuleError } from './error.ts'
import { checkReach } from './reach.ts'
import type { ChainTarget } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Chain, Table } from './ruleset.ts'

/** Throws RuleError for the first rule the kernel would refuse the table for. */
export function checkTable(table: Table): void {
  // no rule leads to a base chain
  if (table.chains.every(({ policy }) => policy)) return
  checkLoops(table)
  checkReach(table)
}

const placeOf = ({ span }: ChainTarget): { span?: NonNullable<ChainTarget['span']> } => (span ? { span } : {})

/** Throws for a circle of jumps. Only chains that a base chain can reach count: the kernel walks from the hooks (mark_source_chains). */
function checkLoops(table: Table): void {
  const chains = new Map(table.chains.map(chain => [chain.name, chain]))
  const done = new Set<string>()
  for (const chain of table.chains) if (chain.policy) walk(chain, chains, done)
}

interface Visit {
  readonly name: string
  readonly targets: readonly ChainTarget[]
  next: number
}

/** Depth first, without recursion: chains may be nested deeper than a stack is. */
function walk(start: Chain, chains: ReadonlyMap<string, Chain>, done: Set<string>): void {
  const path: Visit[] = []
  const open = new Set<string>()
  const enter = (chain: Chain | undefined): void => {
    if (!chain || done.has(chain.name)) return
    open.add(chain.name)
    path.push({ name: chain.name, targets: targetsOf(chain), next: 0 })
  }
  enter(start)
  for (let visit = path.at(-1); visit; visit = path.at(-1)) {
    const target = visit.targets[visit.next++]
    if (!target) {
      path.pop()
      open.delete(visit.name)
      done.add(visit.name)
    } else if (open.has(target.chain)) throw loop(path, target)
    else enter(chains.get(target.chain))
  }
}

function targetsOf({ rules }: Chain): readonly ChainTarget[] {
  const targets = new Map<string, ChainTarget>()
  for (const rule of rules) {
    const target = calledBy(rule)
    if (target && !targets.has(target.chain)) targets.set(target.chain, target)
    // the kernel does not look behind a rule that every packet ends at
    if (endsAll(rule)) break
  }
  return [...targets.values()]
}

const VERDICTS: ReadonlySet<string | undefined> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE'])

const endsAll = (rule: Rule): boolean =>
  VERDICTS.has(rule.target?.kind) &&
  rule.matches.length === 0 &&
  !(
    rule.source ||
    rule.destination ||
    rule.protocol ||
    rule.fragment ||
    rule.inInterface ||
    rule.outInterface
  )

function loop(path: readonly Visit[], by: ChainTarget): RuleError {
  const names = path.map(visit => visit.name)
  const circle = [...names.slice(names.indexOf(by.chain)), by.chain]
  return new RuleError('ERR_LOOP', `the chains call one another in a circle: ${circle.join(' -> ')}`, {
    ...placeOf(by),
    hint: 'take out one of the jumps',
    refusal: { status: 1, text: 'Too many levels of symbolic links' },
  })
}
