// Which trees of a program stand in one map, and are walked by one function. A program may have few maps, and each walk in place of its own is code that the verifier goes through: where many
// runs of rules have trees, those of the shorter runs share both. They are compared in the same words then, those of all their fields.

import type { Family } from 'iptables-parser'
import { type Block, blocksIn, isCode, type SeparatedBlock } from './chain.ts'
import { LARGE } from './cost.ts'
import type { FieldName } from './field.ts'
import { isFinal } from './item.ts'
import { MOST_WORDS } from './tree/map.ts'
import { wordsOfFields } from './tree/word-box.ts'

/** Blocks whose trees stand together. */
export interface SharedTrees {
  readonly blocks: ReadonlySet<Block>
  /** All that they ask for, in alphabetical order. */
  readonly fields: readonly FieldName[]
}

/**
 * Of a family's chains in a program: those that packets go on from, and if more than `ownMaps` runs have trees all short ones. Blocks whose fields would be too many words
 * have maps of their own.
 */
export function sharedTrees(
  chains: Iterable<{ readonly blocks: readonly Block[] }>,
  family: Family,
  ownMaps: number,
): SharedTrees {
  const blocks = new Set<Block>()
  const short = [...shortIn(chains)]
  const going = short.filter(isGoingOn)
  let fields: readonly FieldName[] = []
  // those that ask for the least first
  for (const block of [...going.sort(byFields), ...(short.length > ownMaps ? short.sort(byFields) : [])]) {
    const all = [...new Set([...fields, ...fieldsOf(block)])].sort()
    if (wordsOfFields(all, family).length > MOST_WORDS) continue
    blocks.add(block)
    fields = all
  }
  return { blocks, fields }
}

function shortIn(chains: Iterable<{ readonly blocks: readonly Block[] }>): Set<Short> {
  const short = new Set<Short>()
  for (const { blocks } of chains)
    for (const block of blocks)
      if (!isCode(block)) for (const one of blocksIn(block)) if (isShort(one)) short.add(one)
  return short
}

type Short = SeparatedBlock & { readonly kind: 'mapped' }

/** Packets go on from some of its rules, which only a walk that is shared can do. */
export const isGoingOn = (block: Block): boolean =>
  block.kind === 'mapped' && !block.space.items.every(isFinal)

const isShort = (block: Block): block is Short =>
  block.kind === 'mapped' && (block.space.items.length < LARGE || isGoingOn(block))

const fieldsOf = ({ space }: Short): readonly FieldName[] => space.axes.map(({ field }) => field)

const byFields = (a: Short, b: Short): number => a.space.axes.length - b.space.axes.length
