// Look-ups that go on in another program. To make a program of a chain again, a long run of rules that is a look-up in the program in force need not be read: a
// few of its rules stand in for it, and the look-up that they come to gets the map that is there. That it is the same look-up, in the same place among the other
// rules, is found out here; what stands in the map need not be known for that.

import type { Block } from '../chain.ts'
import { type Actions, keyOf } from '../emit/dispatch.ts'
import type { LookUpUse } from '../emit/frame.ts'
import { lookUpId } from '../emit/look-up.ts'
import type { GoingOn } from '../look-ups.ts'
import type { LaneProgram } from '../translate.ts'
import type { Dispatch } from '../tree/dispatch.ts'
import { isSame } from '../tree/interval.ts'
import { allItems, type BlockShape, isHotdrop } from './block.ts'
import { isPartable } from './parted.ts'

/** Rules of a chain, all that there are from one number to another, and the look-ups that hold all of them. */
export interface Held<B extends BlockShape = BlockShape> {
  readonly first: number
  readonly last: number
  readonly blocks: readonly B[]
}

/** What stands in, by index among all that counts. */
export type StandIns<B extends BlockShape> = ReadonlyMap<number, Held<B>>

/** The look-ups that go on in a program made with stand-ins. */
export function goingOnWith<B extends BlockShape>(standIns: StandIns<B>): GoingOn {
  const blocks = [...standIns.values()].flatMap(held => held.blocks)
  return {
    names: new Set(blocks.flatMap(({ maps }) => maps.map(({ name }) => name))),
    holds: dispatch => heldOf(dispatch, standIns) !== undefined,
    of(use) {
      const held = heldOf(use.dispatch, standIns)
      const [map] = (held && sameIn(held, use)?.maps) ?? []
      return map && { name: map.name, table: map.table, ...(map.shared && { shared: map.shared }) }
    },
  }
}

/** What some of the rules of a look-up stand in for. */
const heldOf = <B extends BlockShape>(dispatch: Dispatch, standIns: StandIns<B>): Held<B> | undefined =>
  standIns.get(rulesIn(dispatch).find(rule => standIns.has(rule)) ?? Number.NaN)

/** The one look-up that another is the same as. */
function sameIn<B extends BlockShape>(
  { blocks }: Held<B>,
  { dispatch, actions }: Pick<LookUpUse, 'dispatch' | 'actions'>,
): B | undefined {
  const same = blocks.filter(block => isSameLookUp(block, dispatch, actions))
  return same.length === 1 ? same[0] : undefined
}

/** For the look-ups of a program made with stand-ins, by their ids, those that they take over; undefined where the program is not certain to be the one that all rules make. */
export function takeOver<B extends BlockShape>(
  { plans, lookUps }: Pick<LaneProgram, 'plans' | 'lookUps'>,
  standIns: StandIns<B>,
  numberOf: (rule: number) => number,
): ReadonlyMap<string, B> | undefined {
  const taken = new Map<string, B>()
  const looked = new Map<Block, Held<B>>()
  for (const use of lookUps) {
    const { dispatch } = use
    const held = heldOf(dispatch, standIns)
    if (!held) continue
    const same = sameIn(held, use)
    if (!same?.maps.every(map => lookUpId(map) === lookUpId(use) && map.table === use.table)) return undefined
    if (!rulesIn(dispatch).every(rule => standIns.get(rule) === held)) return undefined
    taken.set(lookUpId(use), same)
    looked.set(dispatch, held)
  }
  const found = new Set(taken.values())
  if (![...standIns.values()].every(({ blocks }) => blocks.every(block => found.has(block)))) return undefined
  const order = { standIns, looked, numberOf }
  const chains = plans.flatMap(({ plan }) => [...plan.chains.values()])
  return chains.every(({ blocks }) => isInOrder(blocks, order)) ? taken : undefined
}

const rulesIn = (dispatch: Dispatch): number[] => allItems(dispatch).map(({ rule }) => rule)

function isSameLookUp(block: BlockShape, dispatch: Dispatch, actions: Actions): boolean {
  const { fields, common, hotdrop, maps } = block
  return (
    fields.join() === dispatch.fields.join() &&
    common.length === dispatch.common.length &&
    common.every(({ field, set }, at) => {
      const other = dispatch.common[at]
      return other?.field === field && isSame(other.set, set)
    }) &&
    hotdrop === isHotdrop(dispatch) &&
    maps.length > 0 &&
    maps.every(map => areSame(map.actions, actions))
  )
}

/** Whether each number says the same, and calls the same: selectors mean nothing to another function. */
const areSame = (a: Actions, b: Actions): boolean =>
  a.size === b.size &&
  [...a].every(([number, action]) => {
    const other = b.get(number)
    return other !== undefined && keyOf(other) === keyOf(action)
  })

interface Order<B extends BlockShape> {
  readonly standIns: StandIns<B>
  /** Look-ups that are taken over. */
  readonly looked: ReadonlyMap<Block, Held<B>>
  readonly numberOf: (rule: number) => number
}

/** Whether all that stand-ins stand for is looked up where they are, and every other rule stands before or behind all of it. */
function isInOrder<B extends BlockShape>(blocks: readonly Block[], order: Order<B>): boolean {
  return blocks.every((block, at) => {
    const held = heldIn(block, order)
    const inside = block.kind === 'split' ? [block.whole, block.odd] : overlaidIn(block)
    if (held.size > 0 && !order.looked.has(block) && inside.length === 0) return false
    if (!inside.every(own => isInOrder(own, order))) return false
    if (block.kind === 'parted' && !isPartable(block.under)) return false
    return [...held].every(one =>
      blocks.every((other, index) => index === at || isApart(other, index < at, one, order)),
    )
  })
}

/** What lies over look-ups, or parts them, holds rules of theirs, but none that stands in. */
const overlaidIn = (block: Block): readonly (readonly Block[])[] =>
  block.kind === 'overlaid' || block.kind === 'parted' ? [block.under] : []

/** Whether a block is a look-up of the same rules, or holds only rules before them, or behind them. */
function isApart<B extends BlockShape>(
  block: Block,
  before: boolean,
  held: Held<B>,
  order: Order<B>,
): boolean {
  if (order.looked.get(block) === held) return true
  return allItems(block).every(({ rule }) => {
    const other = order.standIns.get(rule)
    const number = order.numberOf(rule)
    return before ? (other?.last ?? number) < held.first : (other?.first ?? number) > held.last
  })
}

function heldIn<B extends BlockShape>(block: Block, { standIns }: Order<B>): ReadonlySet<Held<B>> {
  return new Set(allItems(block).flatMap(({ rule }) => standIns.get(rule) ?? []))
}
