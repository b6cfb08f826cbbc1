// Rules that were put in between those of a run, while the blocks made of the run stay as they were: where a packet meets rules of the run only behind the
// new one, that comes first. It need not be known which rules those are, so that is for rules that have packets in common with most of a run; others are
// laid over it (overlay.ts).
//
// The blocks know their rules by their counters' slots, which stay the same however the rules move. So a byte for each slot says which of the new rules stand
// before its rule, as a rank: of so many places, in order.

import { type Block, blocksIn } from '../chain.ts'
import { type Item, isFinal } from '../item.ts'
import { isOnce } from '../test.ts'

/** Which rank what counts in a slot has. */
export interface Ranks {
  /** A byte for each slot. */
  readonly ofSlots: Uint8Array
  /** The first slot of each counter array, by its name. */
  readonly firstSlots: ReadonlyMap<string, number>
}

/** The rank of packets that meet none of the rules. */
export const MET_NONE = 255

/** Rules between others. */
export interface Between {
  readonly ranks: Ranks
  /** Which of the rules behind those that stand in (overlay.ts), by where they stand: place after place. */
  readonly places: readonly (readonly number[])[]
}

/** Whether a rule of these items may be asked in another place than its own. */
export const canPart = (items: readonly Item[]): boolean => !items.some(({ rest }) => rest.some(isOnce))

/** Whether no rule under one that is put in between lets packets go on: these would come to the rules behind it too late. */
export const isPartable = (under: readonly Block[]): boolean =>
  under
    .flatMap(blocksIn)
    .every(block => block.kind !== 'dispatch' || [...block.cases, ...block.shadowed].every(isFinal))
