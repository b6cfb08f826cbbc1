// Where in a running program a rule goes that is put into its chain, or stands that is taken out of it.

import type { Family } from 'iptables-parser'
import { protocolsIn } from '../emit/needs.ts'
import type { Item } from '../item.ts'
import { withinOdd, withinWhole } from '../split.ts'
import { valuesFor } from '../tree/dispatch.ts'
import type { Point } from '../tree/interval.ts'
import type { BlockShape, EditableLane } from './block.ts'

/** What a rule is in one block: what it is looked up by, and what happens then. */
export interface Placed {
  /** Index into the blocks of the chain. */
  readonly block: number
  readonly values: readonly Point[]
  readonly kind: Item['outcome']['kind']
}

/** Where a rule stands, or is to stand: before the rule that has its number now. */
export interface Position {
  readonly number: number
  readonly stands: boolean
}

/** The side of a split: packets with a whole transport header, and the others. */
type Side = 0 | 1

/** The blocks that hold a rule of these items; undefined where some other code does or would. A rule that never matches is in none. */
export function placeItems(
  items: readonly Item[],
  blocks: readonly BlockShape[],
  { family, protocols }: Pick<EditableLane, 'family' | 'protocols'>,
  position: Position,
): readonly Placed[] | undefined {
  if (items.length === 0) return []
  if ([...protocolsIn(items, family)].some(protocol => !protocols.includes(protocol))) return undefined
  for (const top of new Set(blocks.map(({ path }) => path[0]))) {
    const found = placeAt(items, blocks, family, position, top)
    if (found) return found
  }
  return undefined
}

function placeAt(
  items: readonly Item[],
  blocks: readonly BlockShape[],
  family: Family,
  position: Position,
  top: number | undefined,
): readonly Placed[] | undefined {
  const inside = blocks.filter(({ path }) => path[0] === top)
  if (inside.every(({ path }) => path.length === 1)) return placeEach(items, blocks, inside, position)
  const side = (number: Side): BlockShape[] => inside.filter(({ path }) => path[1] === number)
  const whole = placeEach(withinWhole(items), blocks, side(0), position)
  const odd = whole && placeEach(withinOdd(items, family), blocks, side(1), position)
  return whole && odd && whole.length + odd.length > 0 ? [...whole, ...odd] : undefined
}

/** One block for each item, all of them in one place, and in the order of the items unless that means nothing. */
function placeEach(
  items: readonly Item[],
  all: readonly BlockShape[],
  among: readonly BlockShape[],
  position: Position,
): readonly Placed[] | undefined {
  const places = new Set(among.map(({ path }) => path.join()))
  for (const place of places) {
    const here = among.filter(({ path }) => path.join() === place)
    const placed = items.flatMap(item =>
      here.flatMap(block => placeIn(item, block, all.indexOf(block), position)).slice(0, 1),
    )
    if (placed.length === items.length && isInOrder(placed)) return placed
  }
  return items.length === 0 ? [] : undefined
}

const isInOrder = (placed: readonly Placed[]): boolean =>
  placed.every(({ kind }) => kind === 'hotdrop') ||
  placed.every(({ block }, index) => index === 0 || block > (placed[index - 1]?.block ?? 0))

function placeIn(item: Item, block: BlockShape, index: number, { number, stands }: Position): Placed[] {
  const { kind } = item.outcome
  if (number < block.first || number > block.last + (stands ? 0 : 1)) return []
  if (block.maps.length === 0 || (kind === 'hotdrop') !== block.hotdrop) return []
  const values = valuesFor(item, block)
  return values ? [{ block: index, values, kind }] : []
}
