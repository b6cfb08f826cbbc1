// Chains cut into blocks. Between blocks stand rules that every packet matches and that go on afterwards (plain counting, or a call
// of another chain): inside a tree they would stand in every leaf.

import type { Family } from 'iptables-parser'
import type { Item } from './item.ts'
import { buildTree, type TreeLimits } from './tree/build.ts'
import type { Node } from './tree/node.ts'

export type Block =
  | { readonly kind: 'always'; readonly item: Item }
  | { readonly kind: 'tree'; readonly root: Node; readonly items: number }

/** How far a tree may replicate rules before the run is cut in two. */
const REPLICATION = 4
const LIMITS = { linear: 3 } as const

export function blocksOf(items: readonly Item[], family: Family): Block[] {
  const blocks: Block[] = []
  let run: Item[] = []
  const flush = (): void => {
    if (run.length > 0) blocks.push(...treesOf(run, family))
    run = []
  }
  for (const item of items) {
    if (isAlways(item)) {
      flush()
      blocks.push({ kind: 'always', item })
    } else run.push(item)
  }
  flush()
  return blocks
}

const isAlways = ({ sets, rest, outcome }: Item): boolean =>
  sets.size === 0 && rest.length === 0 && (outcome.kind === 'continue' || outcome.kind === 'jump')

/** One tree, or where its cuts would replicate the rules too often, one for each half of them. */
function treesOf(items: readonly Item[], family: Family): Block[] {
  const limits: TreeLimits = { ...LIMITS, candidates: 64 + REPLICATION * items.length }
  const root = buildTree(items, family, limits)
  if (root) return [{ kind: 'tree', root, items: items.length }]
  const middle = items.length >> 1
  return [...treesOf(items.slice(0, middle), family), ...treesOf(items.slice(middle), family)]
}
