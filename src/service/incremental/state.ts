// A generation and its edits, opened to be edited: the index with the journal carried out on it.

import type { Settings } from '../settings.ts'
import { afterEdit } from './blocks.ts'
import {
  type EditIndex,
  type IndexedBlock,
  type IndexedChain,
  type IndexedFamily,
  type IndexedStretch,
  readIndex,
} from './index-file.ts'
import { type Journal, type JournalEdit, readJournal } from './journal.ts'
import { createLines, type Lines, type Piece, tablePiece } from './lines.ts'
import { edited } from './stretch.ts'

/** What tells a chain apart from all others. */
export type ChainPlace = Pick<JournalEdit, 'family' | 'table' | 'chain'>

export interface EditState {
  readonly index: EditIndex
  readonly journal: Journal
  /** The rules of a chain; undefined where there is no such chain. */
  lines(place: ChainPlace): Lines | undefined
  /** The same without opening them to be searched; none where there is no such chain. */
  pieces(place: ChainPlace): readonly Piece[]
  /** The blocks of a chain in a lane's program, by its index; undefined where the program does not hold the chain. */
  blocks(lane: number, place: ChainPlace): readonly IndexedBlock[] | undefined
  /** The stretches of a chain there; none where the program does not hold the chain. */
  stretches(lane: number, place: ChainPlace): readonly IndexedStretch[]
  /** Makes an edit, as text, in the blocks and in the stretches. */
  apply(edit: JournalEdit): void
  /** A counter slot that nothing counts in, and takes it; undefined where there is none. */
  takeSlot(): number | undefined
}

/** Opens what edits of a generation need; undefined where it has no index. */
export function openState(settings: Settings, generation: number): EditState | undefined {
  const index = readIndex(settings, generation)
  if (!index) return undefined
  const state = createState(index, readJournal(settings, generation))
  for (const { edits } of state.journal.entries.slice(index.carriedOut))
    for (const edit of edits) state.apply(edit)
  return state
}

function createState(index: EditIndex, journal: Journal): EditState {
  const families = new Map(index.families.map(family => [family.family, family]))
  const known = new Map(
    index.families.flatMap(({ family, chains }) =>
      chains.map(chain => [keyOf({ family, table: chain.table, chain: chain.name }), chain] as const),
    ),
  )
  const opened = new Map<string, Lines | undefined>()
  const chains = index.lanes.map(lane => new Map(lane.chains))
  const moved = index.lanes.map(lane => new Map(lane.stretches))
  let slots: Iterator<number> | undefined
  const lines: EditState['lines'] = place => {
    const key = keyOf(place)
    if (!opened.has(key)) opened.set(key, openLines(families.get(place.family), known.get(key)))
    return opened.get(key)
  }
  const blocks: EditState['blocks'] = (at, { family, table, chain }) => {
    const lane = index.lanes[at]
    return lane?.family === family && lane.table === table ? chains[at]?.get(chain) : undefined
  }
  const stretches: EditState['stretches'] = (at, { family, table, chain }) => {
    const lane = index.lanes[at]
    return (lane?.family === family && lane.table === table && moved[at]?.get(chain)) || []
  }
  return {
    index,
    journal,
    lines,
    pieces: place => {
      const chain = known.get(keyOf(place))
      return opened.get(keyOf(place))?.pieces() ?? (chain ? [tablePiece(chain.first, chain.count)] : [])
    },
    blocks,
    stretches,
    apply(edit) {
      const { kind, chain, number, rule, slot, placed } = edit
      if (kind === 'insert') lines(edit)?.insert(number, rule, slot)
      else lines(edit)?.remove(number)
      for (const at of index.lanes.keys()) {
        const before = blocks(at, edit)
        if (!before) continue
        const here = placed.filter(one => one.lane === at)
        chains[at]?.set(chain, afterEdit(before, edit, here))
        const held = stretches(at, edit)
        if (held.length > 0)
          moved[at]?.set(
            chain,
            held.map(stretch => edited(stretch, edit)),
          )
      }
    },
    takeSlot() {
      slots ??= freeSlots(index, journal)
      const next = slots.next()
      return next.done ? undefined : next.value
    },
  }
}

const keyOf = ({ family, table, chain }: ChainPlace): string => `${family} ${table} ${chain}`

const openLines = (family: IndexedFamily | undefined, chain: IndexedChain | undefined): Lines | undefined =>
  family && chain && createLines(family, chain.first, chain.count)

/** In order. A slot that an edit gave back may still be counted in by a packet on its way, so it rests until the next generation. */
function* freeSlots({ arrays, families, taken }: EditIndex, { entries }: Journal): Generator<number> {
  const room = arrays.reduce((sum, array) => sum + array.entries, 0)
  const used = new Uint8Array(room)
  for (const { slots } of families) for (const slot of slots) used[slot] = 1
  for (const slot of taken) used[slot] = 1
  for (const { edits } of entries) for (const { slot } of edits) used[slot] = 1
  for (let slot = used.indexOf(0); slot >= 0; slot = used.indexOf(0, slot + 1)) yield slot
}
