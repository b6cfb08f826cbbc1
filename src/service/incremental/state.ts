// A generation and its edits, opened to be edited: the index with the journal carried out on it.

import type { Family } from 'iptables-parser'
import { isCalling } from '../../../translator/edit/block.ts'
import type { Settings } from '../settings.ts'
import { afterEdit, withCalled } from './blocks.ts'
import { chainNamed, chainOfLine, type IndexedChain } from './chain-table.ts'
import {
  type EditIndex,
  type IndexedBlock,
  type IndexedFamily,
  type IndexedStretch,
  readIndex,
} from './index-file.ts'
import { type Journal, type JournalEdit, readJournal } from './journal.ts'
import { createLines, type Lines, linesEnding, type Piece } from './lines.ts'
import { hasName } from './name-list.ts'
import { calledIn } from './request.ts'
import { edited } from './stretch.ts'

/** What tells a chain apart from all others. */
export type ChainPlace = Pick<JournalEdit, 'family' | 'table' | 'chain'>

export interface EditState {
  readonly index: EditIndex
  readonly journal: Journal
  /** The rules of a chain; undefined where there is no such chain. */
  lines(place: ChainPlace): Lines | undefined
  /** Chains of a family whose rules may not be as the index has them, and their rules, in order. */
  opened(family: Family): readonly (readonly [IndexedChain, readonly Piece[]])[]
  /** As the index has it; undefined where there is no such chain. */
  chain(place: ChainPlace): IndexedChain | undefined
  /** The blocks of a chain in a lane's program, by its index; undefined where the program does not hold the chain. */
  blocks(lane: number, place: ChainPlace): readonly IndexedBlock[] | undefined
  /** The blocks of those that have some. */
  chainsIn(lane: number): ReadonlyMap<string, readonly IndexedBlock[]>
  /** The stretches of those that have some. */
  stretchesIn(lane: number): ReadonlyMap<string, readonly IndexedStretch[]>
  /** The stretches of a chain there; none where the program does not hold the chain. */
  stretches(lane: number, place: ChainPlace): readonly IndexedStretch[]
  /** Has a chain's stretches be others. */
  setStretches(lane: number, place: ChainPlace, stretches: readonly IndexedStretch[]): void
  /** Makes an edit, as text, in the blocks and in the stretches; look-ups that it `joins` take it in. */
  apply(edit: JournalEdit, joins?: (lane: number, block: IndexedBlock) => boolean): void
  /** The rules of any chain of the table that lead to this one, and maybe some that did. */
  calling(place: ChainPlace): readonly CallingRule[]
  /** Whether a rule of the family is not known by its text. */
  hasUnknown(family: Family): boolean
  /** Has look-ups know that the chain which a rule calls is not the one it was. */
  touch(place: ChainPlace, rule: string): void
  /** A counter slot that nothing counts in, and takes it; undefined where there is none. */
  takeSlot(): number | undefined
}

export interface CallingRule {
  readonly chain: string
  /** As iptables-save prints it, without `-A CHAIN`. */
  readonly rule: string
}

/** A generation as it was written down. */
export interface Written {
  readonly index: EditIndex
  readonly journal: Journal
}

/** Undefined where the generation has no index. */
export function readWritten(settings: Settings, generation: number): Written | undefined {
  const index = readIndex(settings, generation)
  return index && { index, journal: readJournal(settings, generation) }
}

/** Opens what edits of a generation need; undefined where it has no index. */
export function openState(settings: Settings, generation: number): EditState | undefined {
  const written = readWritten(settings, generation)
  return written && stateOf(written)
}

export function stateOf({ index, journal }: Written): EditState {
  const state = createState(index, journal)
  for (const { edits } of state.journal.entries.slice(index.carriedOut))
    for (const edit of edits) state.apply(edit)
  return state
}

function createState(index: EditIndex, journal: Journal): EditState {
  const families = new Map(index.families.map(family => [family.family, family]))
  const opened = new Map<string, Opened>()
  const chains = index.lanes.map(lane => new Map(lane.chains))
  const moved = index.lanes.map(lane => new Map(lane.stretches))
  let slots: Iterator<number> | undefined
  const chainOf: EditState['chain'] = place => {
    const table = families.get(place.family)
    return table && chainNamed(table.chains, place)
  }
  const lines: EditState['lines'] = place => {
    const key = `${place.family} ${place.table} ${place.chain}`
    const known = opened.get(key)
    if (known) return known.lines
    const [chain, table] = [chainOf(place), families.get(place.family)]
    if (!chain || !table) return undefined
    const own = createLines(table, chain.first, chain.count)
    opened.set(key, { family: place.family, chain, lines: own })
    return own
  }
  const blocks: EditState['blocks'] = (at, { family, table, chain }) => {
    const lane = index.lanes[at]
    if (lane?.family !== family || lane.table !== table) return undefined
    return chains[at]?.get(chain) ?? (hasName(lane.names, chain) ? [] : undefined)
  }
  const stretches: EditState['stretches'] = (at, { family, table, chain }) => {
    const lane = index.lanes[at]
    return (lane?.family === family && lane.table === table && moved[at]?.get(chain)) || []
  }
  return {
    index,
    journal,
    lines,
    chain: chainOf,
    chainsIn: at => chains[at] ?? new Map(),
    stretchesIn: at => moved[at] ?? new Map(),
    opened: family =>
      [...opened.values()]
        .filter(own => own.family === family)
        .sort((a, b) => a.chain.at - b.chain.at)
        .map(({ chain, lines }) => [chain, lines.pieces()]),
    blocks,
    stretches,
    setStretches: (at, { chain }, own) => void moved[at]?.set(chain, own),
    apply(edit, joins = () => false) {
      const { kind, chain, number, rule, slot, placed } = edit
      if (kind === 'insert') lines(edit)?.insert(number, rule, slot)
      else lines(edit)?.remove(number)
      for (const at of index.lanes.keys()) {
        const before = blocks(at, edit)
        if (!before) continue
        const here = placed.filter(one => one.lane === at)
        if (before.length > 0)
          chains[at]?.set(
            chain,
            afterEdit(before, edit, here, block => joins(at, block)),
          )
        const held = stretches(at, edit)
        if (held.length > 0)
          moved[at]?.set(
            chain,
            held.map(stretch => edited(stretch, edit)),
          )
      }
    },
    calling({ family, table, chain }) {
      const inTable = families.get(family)
      const rules: CallingRule[] = inTable ? rulesCalling(inTable, table, chain) : []
      for (const own of opened.values()) {
        if (own.family !== family || own.chain.table !== table) continue
        for (const piece of own.lines.pieces())
          if (piece.kind === 'line' && calledIn(piece.text) === chain)
            rules.push({ chain: own.chain.name, rule: piece.text })
      }
      return rules
    },
    hasUnknown(family) {
      const inTable = families.get(family)
      return inTable !== undefined && linesEnding(inTable, '\0').length > 0
    },
    touch(place, rule) {
      const numbers = lines(place)?.find(rule, Number.POSITIVE_INFINITY) ?? []
      for (const at of index.lanes.keys()) {
        const touched = (blocks(at, place) ?? []).map(block => {
          const holds = numbers.some(number => block.first <= number && number <= block.last)
          return holds && isCalling(block) ? withCalled(block, rule) : block
        })
        if (touched.length > 0) chains[at]?.set(place.chain, touched)
      }
    },
    takeSlot() {
      slots ??= freeSlots(index, journal)
      const next = slots.next()
      return next.done ? undefined : next.value
    },
  }
}

/** A chain whose rules were asked for. */
interface Opened {
  readonly family: Family
  readonly chain: IndexedChain
  readonly lines: Lines
}

/** Rules of the index that lead to a chain. */
function rulesCalling({ chains, ...lines }: IndexedFamily, table: string, chain: string): CallingRule[] {
  return ['-j', '-g'].flatMap(option =>
    linesEnding(lines, ` ${option} ${chain}`).flatMap(({ line, text }) => {
      const own = chainOfLine(chains, line)
      return own?.table === table ? [{ chain: own.name, rule: text }] : []
    }),
  )
}

/** In order. A slot that an edit gave back may still be counted in by a packet on its way, so it rests until the next generation. */
function* freeSlots({ arrays, families, taken }: EditIndex, { entries }: Journal): Generator<number> {
  const room = arrays.reduce((sum, array) => sum + array.entries, 0)
  const used = new Uint8Array(room)
  // an iterator takes three times as long for ten thousand, in code that runs once
  for (const slots of [...families.map(family => family.slots), taken])
    for (let at = 0; at < slots.length; at++) used[slots[at] ?? Number.NaN] = 1
  for (const { edits } of entries) for (const { slot } of edits) used[slot] = 1
  for (let slot = used.indexOf(0); slot >= 0; slot = used.indexOf(0, slot + 1)) yield slot
}
