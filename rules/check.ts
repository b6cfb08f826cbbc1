// What only a whole table can tell: whether its chains call one another in a circle, and what stands below which base chain.

import { type CallGraph, type ChainNode, callGraph } from './call-graph.ts'
import { RuleError } from './error.ts'
import { checkReach } from './reach.ts'
import type { ChainTarget } from './registry.ts'
import type { Table } from './ruleset.ts'

/** Throws RuleError for the first rule the kernel would refuse the table for. */
export function checkTable(table: Table): void {
  // no rule leads to a base chain
  if (table.chains.every(({ policy }) => policy)) return
  const graph = callGraph(table)
  checkLoops(graph)
  checkReach(graph)
}

const placeOf = ({ span }: ChainTarget): { span?: NonNullable<ChainTarget['span']> } => (span ? { span } : {})

/** Throws for a circle of jumps. Only chains that a base chain can reach count: the kernel walks from the hooks (mark_source_chains). */
function checkLoops(graph: CallGraph): void {
  for (const node of graph.values()) if (node.chain.policy) walk(node, graph)
}

/** Depth first, without recursion: chains may be nested deeper than a stack is. */
function walk(start: ChainNode, graph: CallGraph): void {
  const path: ChainNode[] = []
  let node: ChainNode | undefined = start
  while (node) {
    // the kernel does not look behind a rule that every packet ends at
    const target: ChainTarget | undefined = node.next < node.met ? node.calls[node.next++] : undefined
    const called = target && graph.get(target.chain)
    if (!target) {
      node.state = 'done'
      node = path.pop()
    } else if (called?.state === 'open' || called === node) throw loop([...path, node], target)
    else if (called?.state === 'new') {
      node.state = 'open'
      path.push(node)
      node = called
    }
  }
}

function loop(path: readonly ChainNode[], by: ChainTarget): RuleError {
  const names = path.map(({ chain }) => chain.name)
  const circle = [...names.slice(names.indexOf(by.chain)), by.chain]
  return new RuleError('ERR_LOOP', `the chains call one another in a circle: ${circle.join(' -> ')}`, {
    ...placeOf(by),
    hint: 'take out one of the jumps',
    refusal: { status: 1, text: 'Too many levels of symbolic links' },
  })
}
