// What blocks cost, by the constants of cost.ts.

import type { Block } from './chain.ts'
import { type Cost, codeCost, hashCost, mapCost, slots, sumOf } from './cost.ts'
import { shapeOf } from './tree/node.ts'

/** Blocks that a packet goes through one after the other, none of which decides. */
export const blocksCost = (blocks: readonly Block[]): Cost => {
  const [only] = blocks
  return only && blocks.length === 1 ? blockCost(only) : sumOf(blocks.map(blockCost))
}

/** Slots of a block. Most of thousands of chains are one leaf, of which an object for each step would be felt. */
export const blockSlots = (block: Block): number =>
  block.kind === 'tree' && block.root.kind === 'leaf'
    ? slots.candidate * block.root.candidates.length
    : blockCost(block).slots

function blockCost(block: Block): Cost {
  if (block.kind === 'always') return { nanoseconds: 0, slots: 0 }
  if (block.kind === 'dispatch') return hashCost
  if (block.kind === 'tree') return codeCost([shapeOf(block.root)])
  if (block.kind === 'overlaid') return sumOf([blocksCost(block.over), blocksCost(block.under)])
  if (block.kind === 'parted') return sumOf([...block.between, block.under].map(blocksCost))
  // nobody chooses between these and others
  if (block.kind === 'kept' || block.kind === 'walked') return mapCost([])
  if (block.kind === 'split') {
    // nearly all packets have a whole header; the rest is code all the same
    const { nanoseconds, slots } = blocksCost(block.whole)
    return { nanoseconds, slots: slots + blocksCost(block.odd).slots }
  }
  const measures = block.trees.map(({ root }) => shapeOf(root))
  return block.kind === 'mapped' ? mapCost(measures) : codeCost(measures)
}
