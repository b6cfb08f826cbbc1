// A block that rules part (edit/parted.ts). The blocks under it are gone through twice: first what they find is only asked for its rank, then, behind the rules that
// stand before that, it is done. Of several that find something the least rank counts. Nothing else may change what they find in between: edits that packets
// could meet there make the program anew (src/service/incremental/plan.ts).

import { add, addImmediate } from '../asm/alu.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMapValue, store, storeImmediate } from '../asm/memory.ts'
import { r1, r2, r3, r6 } from '../asm/register.ts'
import type { Block, PartedBlock } from '../chain.ts'
import { MET_NONE, type Ranks } from '../edit/parted.ts'
import type { Plan } from '../plan.ts'
import type { DataPlace } from './data.ts'
import type { Frame } from './frame.ts'

/** Where ranks are found, and where in the record the least one goes. */
export interface Probe {
  readonly ranks: Ranks
  readonly place: DataPlace
  readonly rank: number
}

export function emitParted(
  frame: Frame,
  block: PartedBlock,
  emitBlocks: (frame: Frame, blocks: readonly Block[]) => void,
): void {
  const { assembler } = frame
  const { ranks, between, under } = block
  const rank = frame.rankOf(block)
  assembler.emit(storeImmediate('u64', r6, rank, MET_NONE))
  emitBlocks({ ...frame, probe: { ranks, place: frame.rows(ranks.ofSlots), rank } }, under)
  const met = assembler.label('met')
  for (const [before, blocks] of between.entries()) {
    assembler.emit(load('u64', r1, r6, rank), jumpIf('<=', r1, immediate(before), met))
    emitBlocks(frame, blocks)
  }
  assembler.place(met)
  emitBlocks(frame, under)
}

/** Notes the rank of what was found: its counter's index, or its slot where it counts in no array, is in r1, and in r2 the number of what is done. */
export function emitProbe(
  frame: Frame,
  { ranks, place: { map, offset }, rank }: Probe,
  actions: readonly (readonly [number: number, action: { readonly array: string }])[],
  next: Label,
): void {
  const { assembler } = frame
  for (const [number, { array }] of actions) {
    const first = ranks.firstSlots.get(array) ?? 0
    if (first === 0) continue
    const other = assembler.label('other')
    assembler.emit(jumpIf('!=', r2, immediate(number), other, 32), addImmediate(r1, first))
    assembler.place(other)
  }
  assembler.emit(
    // there is no such slot
    jumpIf('>=', r1, immediate(ranks.ofSlots.length), frame.ending({ kind: 'drop' })),
    loadMapValue(r2, map, offset),
    add(r2, r1),
    load('u8', r2, r2, 0),
    load('u64', r3, r6, rank),
    jumpIf('>=', r2, register(r3), next),
    store('u64', r6, rank, r2),
    jump(next),
  )
}

/** The blocks of a plan that rules part. */
export const partedIn = ({ mixed }: Plan): readonly PartedBlock[] =>
  mixed.flatMap(({ blocks }) => blocks.flatMap(inside))

function inside(block: Block): readonly PartedBlock[] {
  if (block.kind === 'overlaid') return block.under.flatMap(inside)
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(inside)
  return block.kind === 'parted' ? [block] : []
}
