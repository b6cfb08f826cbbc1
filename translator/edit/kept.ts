// Stretches of a chain's rules whose blocks are trees in maps and nothing else: another program can have the blocks without the rules, if it is given the maps.

import type { Family } from 'iptables-parser'
import {
  type Block,
  blocksIn,
  itemListsIn,
  type KeptTrees,
  type KeptWalk,
  type SeparatedBlock,
} from '../chain.ts'
import { goingOnFrom } from '../emit/alike.ts'
import type { TreesUse } from '../emit/frame.ts'
import { protocolsIn } from '../emit/needs.ts'
import type { WalkUse } from '../emit/shared-walk.ts'
import { isQuestionField } from '../question.ts'
import type { LaneProgram } from '../translate.ts'

/** Trees, or those of both sides of a split: plain data. */
export type KeptBlock =
  | KeptTrees
  | KeptWalk
  | { readonly kind: 'split'; readonly whole: readonly KeptBlock[]; readonly odd: readonly KeptBlock[] }

/** Rules of a chain from one number to another, counted from 1, and all that they come to. */
export interface Stretch {
  readonly first: number
  readonly last: number
  readonly blocks: readonly KeptBlock[]
}

/** The stretches of a family's chains in a program. `numberOf` gives the number in its chain that a rule of the table of all rules has. */
export function stretchesOf(
  { plans, trees, walks }: Pick<LaneProgram, 'plans' | 'trees' | 'walks'>,
  family: Family,
  numberOf: (rule: number) => number,
): ReadonlyMap<string, readonly Stretch[]> {
  const uses = { trees: new Map([...trees].map(([map, use]) => [use.block, { map, use }] as const)), walks }
  const keep = (block: Block): KeptBlock | undefined => keptBlock(block, uses, family)
  // others have no blocks in maps
  const chains = plans.filter(plan => plan.family === family).flatMap(({ plan }) => plan.mixed)
  return new Map(
    chains.flatMap(({ name, blocks }) => {
      const kept = blocks.map(keep)
      // then it does not matter from where to where the rules go
      if (kept.every(block => block === undefined)) return []
      const stretches = apart(blocks.flatMap((block, at) => placed(block, kept[at], numberOf)))
      return stretches.length === 0 ? [] : [[name, stretches] as const]
    }),
  )
}

/** What blocks of a program are walked for. */
interface Uses extends Pick<LaneProgram, 'walks'> {
  readonly trees: ReadonlyMap<SeparatedBlock | KeptTrees, { readonly map: string; readonly use: TreesUse }>
}

function keptBlock(block: Block, uses: Uses, family: Family): KeptBlock | undefined {
  if (block.kind === 'split') {
    const [whole, odd] = [block.whole, block.odd].map(side => keptBlocks(side, uses, family))
    return whole && odd && { kind: 'split', whole, odd }
  }
  if (block.kind !== 'mapped') return undefined
  const [found, walk] = [uses.trees.get(block), uses.walks.get(block)]
  if (walk) return keptWalk(block, walk)
  return found && keptTrees(block, found.map, found.use, family)
}

function keptBlocks(blocks: readonly Block[], uses: Uses, family: Family): readonly KeptBlock[] | undefined {
  const kept = blocks.flatMap(block => keptBlock(block, uses, family) ?? [])
  return kept.length === blocks.length ? kept : undefined
}

/** Undefined where the rules lead to other chains, or where questions are asked, of which a program has only so many. */
function keptTrees(
  { space }: SeparatedBlock,
  map: string,
  { layout, actions }: TreesUse,
  family: Family,
): KeptTrees | undefined {
  const fields = space.axes.map(({ field }) => field)
  if (actions.some(({ outcome }) => 'chain' in outcome) || fields.some(isQuestionField)) return undefined
  const { size, words, trees, lastKnot, lastBox, box, depth, fullest } = layout
  return {
    kind: 'kept',
    map,
    layout: { size, words, trees, lastKnot, lastBox, box, depth, fullest },
    actions,
    fields,
    protocols: [...protocolsIn(space.items, family)],
  }
}

/** Undefined where the rules lead to other chains. */
function keptWalk(block: SeparatedBlock, use: WalkUse): KeptWalk | undefined {
  if (use.actions.some(({ outcome }) => 'chain' in outcome)) return undefined
  return { kind: 'walked', ...use, trees: block.trees.length, goingOn: goingOnFrom(block) }
}

/** A block of a chain, and from where to where its rules go. */
interface Placed {
  readonly first: number
  readonly last: number
  /** Undefined where it cannot be kept. */
  readonly block: KeptBlock | undefined
}

function placed(block: Block, kept: KeptBlock | undefined, numberOf: (rule: number) => number): Placed[] {
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  for (const items of itemListsIn(block))
    for (let at = 0; at < items.length; at++) {
      const number = numberOf(items[at]?.rule ?? Number.NaN)
      if (number < first) first = number
      if (number > last) last = number
    }
  return last === 0 ? [] : [{ first, last, block: kept }]
}

/** Blocks that hold parts of the same rules belong together; where one of them cannot be kept, none is. */
function apart(blocks: readonly Placed[]): readonly Stretch[] {
  const groups: { first: number; last: number; blocks: (KeptBlock | undefined)[] }[] = []
  for (const { first, last, block } of blocks) {
    const group = { first, last, blocks: [block] }
    for (let before = groups.at(-1); before && before.last >= group.first; before = groups.at(-1)) {
      group.first = Math.min(before.first, group.first)
      group.last = Math.max(before.last, group.last)
      group.blocks.unshift(...before.blocks)
      groups.pop()
    }
    groups.push(group)
  }
  return groups.flatMap(({ first, last, blocks }) => {
    const kept = blocks.flatMap(block => block ?? [])
    return kept.length === blocks.length ? [{ first, last, blocks: kept }] : []
  })
}

/** The trees of kept blocks. */
export const treesKept = (blocks: readonly KeptBlock[]): readonly KeptTrees[] =>
  blocks.flatMap(blocksIn).flatMap(block => (block.kind === 'kept' ? [block] : []))

/** And their walks. */
export const walksKept = (blocks: readonly Block[]): readonly KeptWalk[] =>
  blocks.flatMap(blocksIn).flatMap(block => (block.kind === 'walked' ? [block] : []))

/** The blocks with each map by the name it has elsewhere, where they are. */
export const renamed = (
  blocks: readonly KeptBlock[],
  nameOf: (trees: KeptTrees) => string,
): readonly KeptBlock[] =>
  blocks.map(block => {
    if (block.kind === 'split')
      return { ...block, whole: renamed(block.whole, nameOf), odd: renamed(block.odd, nameOf) }
    if (block.kind === 'walked') return block
    const { bytes: _, ...trees } = block
    return { ...trees, map: nameOf(block) }
  })
