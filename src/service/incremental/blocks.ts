// The blocks of a chain in a program as edits go by: which rules each holds, and who has its keys.

import { holderOf, slotOf } from './holder.ts'
import type { IndexedBlock } from './index-file.ts'
import type { JournalEdit, PlacedEdit } from './journal.ts'
import { isInside, withEdit } from './stretch.ts'

/**
 * The blocks after an edit of their chain, which is made in those that `placed` names; where it names none, blocks with the rule's number know nothing of it. A rule that
 * is put in just before or just behind a block that it `joins` comes to be one of its rules.
 */
export function afterEdit(
  blocks: readonly IndexedBlock[],
  edit: JournalEdit,
  placed: readonly PlacedEdit[],
  joins: (block: IndexedBlock) => boolean = () => false,
): IndexedBlock[] {
  const { kind, number, slot } = edit
  const known = placed.length > 0
  const joined = kind === 'insert' && !known ? joinedBy(blocks, number, joins) : undefined
  return (kind === 'insert' ? withRule : withoutRule)(blocks, number, placed, slot).map((block, at) => {
    const before = blocks[at]
    if (known || !before) return block
    const edited = withEdit(block.edited, edit)
    if (before.path[0] === joined) return { ...block, first: before.first, last: before.last + 1, edited }
    return isInside(before, edit) ? { ...block, edited } : block
  })
}

/** Where the blocks stand that a rule of a number, which is just before or just behind them, joins: one place at most. */
const joinedBy = (
  blocks: readonly IndexedBlock[],
  number: number,
  joins: (block: IndexedBlock) => boolean,
): number | undefined =>
  blocks.find(
    block =>
      (number === block.first || number === block.last + 1) && block.last >= block.first && joins(block),
  )?.path[0]

/** The block, which does not know that a chain has changed which one of its rules calls. */
export const withCalled = (block: IndexedBlock, rule: string): IndexedBlock =>
  block.edited.some(one => one.rule === rule)
    ? block
    : { ...block, edited: [...block.edited, { rule, kind: 'called' }] }

/** The blocks after a rule was put in at a number. */
const withRule = (
  blocks: readonly IndexedBlock[],
  number: number,
  placed: readonly PlacedEdit[],
  slot: number,
): IndexedBlock[] => {
  const chosen = new Set(placed.map(({ block }) => blocks[block]))
  return blocks.map((block, index) => {
    const { first, last } = block
    const [from, to] = movesBy(block, chosen, number)
    const held = placed.filter(one => one.block === index)
    const counting = held.some(({ kind }) => kind === 'continue') && ({ counting: true } as const)
    return held.reduce((moved, one) => withHolder(moved, one, slot), {
      ...block,
      first: first + from,
      last: last + to,
      ...counting,
    })
  })
}

/** How far the ends of a block move. Rules before it and behind it are told by its place, since an empty block has no numbers to tell them by. */
function movesBy(
  block: IndexedBlock,
  chosen: ReadonlySet<IndexedBlock | undefined>,
  number: number,
): readonly [number, number] {
  for (const other of chosen) {
    const order = other ? compareInOrder(block, other) : undefined
    if (order === 0) return [0, 1]
    if (order !== undefined) return order < 0 ? [0, 0] : [1, 1]
  }
  if (block.first >= number) return [1, 1]
  return block.last >= number ? [0, 1] : [0, 0]
}

/** Below 0: the block stands before the other. 0: in one place with it. Undefined: on the other side of a split. */
function compareInOrder(block: IndexedBlock, other: IndexedBlock): number | undefined {
  const [top = 0, side, at = 0] = block.path
  const [otherTop = 0, otherSide, otherAt = 0] = other.path
  if (top !== otherTop) return top - otherTop
  return side === otherSide ? at - otherAt : undefined
}

/** The blocks after the rule of a number was taken out. */
const withoutRule = (
  blocks: readonly IndexedBlock[],
  number: number,
  placed: readonly PlacedEdit[],
  slot: number,
): IndexedBlock[] =>
  blocks.map((block, index) => {
    const { first, last } = block
    const moved = {
      ...block,
      first: number < first ? first - 1 : first,
      last: number <= last ? last - 1 : last,
    }
    return placed
      .filter(one => one.block === index)
      .reduce((before, one) => withoutHolder(before, one, slot), moved)
  })

function withHolder(block: IndexedBlock, { key, kind, beside }: PlacedEdit, slot: number): IndexedBlock {
  if (block.hotdrop) {
    const count = block.counts.get(key) ?? (beside === undefined ? 0 : 1)
    if (count === 0) return block
    return { ...block, counts: new Map(block.counts).set(key, count + 1), displaced: true }
  }
  const holders = block.holders.get(key) ?? (beside === undefined ? undefined : [beside])
  if (!holders) return block
  return { ...block, holders: new Map(block.holders).set(key, [...holders, holderOf(slot, kind)]) }
}

function withoutHolder(block: IndexedBlock, { key }: PlacedEdit, slot: number): IndexedBlock {
  if (block.hotdrop) {
    const count = block.counts.get(key)
    if (count === undefined) return block
    const counts = new Map(block.counts)
    if (count > 2) counts.set(key, count - 1)
    else counts.delete(key)
    return { ...block, counts, displaced: true }
  }
  const known = block.holders.get(key)
  if (!known) return block
  const holders = new Map(block.holders)
  const left = known.filter(holder => slotOf(holder) !== slot)
  if (left.length > 1) holders.set(key, left)
  else holders.delete(key)
  return { ...block, holders }
}
