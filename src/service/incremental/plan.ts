// What an edit comes to in the maps of the programs in force. Whatever is not certainly nothing but map updates is left to a new generation.

import { type Counters, type Family, noCounters, type Rule, standsAnywhere } from 'iptables-parser'
import { counterPlace } from '../../../translator/counter.ts'
import { type EditableMap, isCalling } from '../../../translator/edit/block.ts'
import { narrowedTo } from '../../../translator/edit/overlay.ts'
import { type Placed, placeItems } from '../../../translator/edit/place.ts'
import { dispatchValue, HOTDROP } from '../../../translator/emit/dispatch.ts'
import { dispatchKey, keyIn, keyLayout } from '../../../translator/emit/key.ts'
import { lookUpId } from '../../../translator/emit/look-up.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import type { Item } from '../../../translator/item.ts'
import { holderOf, kindOf, slotOf } from './holder.ts'
import type { IndexedBlock, IndexedLane } from './index-file.ts'
import { editedRules, itemsOf } from './items.ts'
import type { JournalEdit, MapWrite, PlacedEdit } from './journal.ts'
import type { Lines } from './lines.ts'
import { calledBy, type Request, type Step } from './request.ts'
import type { ChainPlace, EditState } from './state.ts'
import { asksForConntrack } from './tracking.ts'
import type { BlockMaps } from './writes.ts'

export interface EditPlan {
  readonly edits: readonly JournalEdit[]
  readonly writes: readonly MapWrite[]
  /** What slots that are taken into use hold at first. */
  readonly fresh: readonly (readonly [slot: number, Counters])[]
}

/** Steps on a chain. */
export interface PlacedStep {
  readonly place: ChainPlace
  readonly step: Step
}

/** Plans steps and carries them out on the state; undefined where they take more than map updates, and then the state is of no use. */
export function planEdit(
  state: EditState,
  maps: BlockMaps,
  steps: readonly PlacedStep[],
): EditPlan | undefined {
  const view = createView(maps)
  const fresh: [number, Counters][] = []
  const edits: JournalEdit[] = []
  for (const { place, step } of steps) {
    const lines = state.lines(place)
    const request = lines && step(lines)
    const slot = request && (request.kind === 'insert' ? state.takeSlot() : lines.slotOf(request.number))
    if (!request || slot === undefined) return undefined
    const edit = planRequest({ state, view, place, lines }, request, slot)
    if (!edit) return undefined
    edits.push(edit)
    if (request.kind === 'insert') fresh.push([slot, request.rule.counters ?? noCounters])
  }
  if (!meetsOneBlock(state, edits)) return undefined
  return { edits, writes: view.writes(), fresh }
}

/** Whether a packet is looked up once at most in what is written, so that it meets the rules before all edits or behind all of them. */
const meetsOneBlock = (state: EditState, edits: readonly JournalEdit[]): boolean =>
  [...state.index.lanes.keys()].every(lane => {
    const paths = edits.flatMap(edit =>
      edit.placed.flatMap(one => {
        const path = one.lane === lane && state.blocks(lane, edit)?.[one.block]?.path
        return path ? [{ place: `${edit.table} ${edit.chain} ${path[0]}`, side: path[1], at: path[2] }] : []
      }),
    )
    // a packet is on one side of a split
    return paths.every(a => paths.every(b => a.place === b.place && (a.side !== b.side || a.at === b.at)))
  })

interface Context {
  readonly state: EditState
  readonly view: View
  readonly place: ChainPlace
  readonly lines: Lines
}

function planRequest(context: Context, request: Request, slot: number): JournalEdit | undefined {
  const { kind, number, text } = request
  const { state, place } = context
  if (calledBy(request.rule) !== undefined) return undefined
  // where the rule that goes asks for connections, none may be left that does
  if (kind === 'insert' ? !mayStand(context, request.rule) : asksForConntrack(place, request.rule))
    return undefined
  const placed: PlacedEdit[] = []
  for (const [lane, program] of state.index.lanes.entries()) {
    const here = placeIn(context, program, lane, request)
    if (!here) return undefined
    placed.push(...here)
  }
  const edit: JournalEdit = { ...place, kind, number, rule: text, slot, placed }
  const wanted = placed.map(one => ({ ...one, holders: holdersAfter(state, edit, one) }))
  state.apply(edit)
  return wanted.every(one => settle(context, one)) ? edit : undefined
}

/** What else the kernel, or the programs as a whole, might mind. */
function mayStand({ state, place }: Pick<Context, 'state' | 'place'>, rule: Rule): boolean {
  if (!state.index.conntrack && asksForConntrack(place, rule)) return false
  return standsAnywhere(rule)
}

/** Where the rule is, or goes, in a program; undefined where no look-up holds it. */
function placeIn(
  context: Context,
  program: IndexedLane,
  lane: number,
  { kind, number, rule }: Request,
): PlacedEdit[] | undefined {
  const { state, view, place } = context
  const blocks = state.blocks(lane, place)
  if (!blocks) return []
  const items = itemsOf(rule, program)
  const position = { number, stands: kind === 'delete' }
  const placed = items && placeItems(items, blocks, program, position)
  if (placed?.some(one => isUnderEdits(context, lane, items ?? [], blocks[one.block]))) return undefined
  // values that call say what chains are called by in this program alone
  if (placed?.some(one => isCalling(blocks[one.block] ?? { maps: [] }))) return undefined
  let elsewhere = false
  const edits = placed?.map((one): PlacedEdit => {
    const block = blocks[one.block]
    const key = keyOf(one, block, place.family)
    if (kind === 'insert' && block && isElsewhere(view, blocks, lane, block, key)) elsewhere = true
    const beside = kind === 'insert' ? besideOf(view, state, lane, block, key) : undefined
    return { lane, block: one.block, key, kind: one.kind, ...(beside !== undefined && { beside }) }
  })
  return elsewhere ? undefined : edits
}

/** Whether another look-up in the same place has the key: the order of the two would matter. */
const isElsewhere = (
  view: View,
  blocks: readonly IndexedBlock[],
  lane: number,
  block: IndexedBlock,
  key: string,
): boolean =>
  blocks.some(other => {
    const [map] = other.maps
    if (other === block || other.path.join() !== block.path.join()) return false
    return map !== undefined && !(other.hotdrop && block.hotdrop) && view.read(lane, map, key) !== null
  })

/** Whether packets that the rule is about never come to the block, since what was edited lies over it. */
function isUnderEdits(
  { state, place }: Context,
  lane: number,
  items: readonly Item[],
  block: IndexedBlock | undefined,
): boolean {
  if (!block || block.edited.length === 0) return false
  const edited = editedRules(state, lane, place, block.edited)
  const sets = edited?.flatMap(rule => rule.items.map(item => FieldSets.of(item.sets)))
  return !sets || items.some(item => narrowedTo(FieldSets.of(item.sets), sets, place.family).length > 0)
}

function keyOf({ values }: Placed, block: IndexedBlock | undefined, family: Family): string {
  const fields = block?.fields ?? []
  return Buffer.from(dispatchKey(fields, keyLayout(fields, family), family, values)).toString('hex')
}

/** The one rule that has the key now, where there is just one. */
function besideOf(
  view: View,
  state: EditState,
  lane: number,
  block: IndexedBlock | undefined,
  key: string,
): number | undefined {
  if (!block || block.holders.has(key) || block.counts.has(key)) return undefined
  const [map] = block.maps
  const value = map && view.read(lane, map, key)
  return value ? (holderIn(state, map, value) ?? 0) : undefined
}

/** The rule that a value stands for; undefined where that is none that counts. */
function holderIn(
  { index: { arrays } }: EditState,
  { actions }: EditableMap,
  value: string,
): number | undefined {
  const bytes = Buffer.from(value, 'hex')
  const action = actions.get(bytes.readUInt32LE(4))
  if (!action || action.kind === 'hotdrop') return undefined
  const at = arrays.findIndex(({ name }) => name === action.array)
  const first = arrays.slice(0, at).reduce((sum, { entries }) => sum + entries, 0)
  return holderOf(first + bytes.readUInt32LE(0), action.kind)
}

/** Who has the key once the edit is made; in a block that drops what is malformed it does not matter who. */
function holdersAfter(state: EditState, edit: JournalEdit, placed: PlacedEdit): readonly number[] {
  const { key, kind, beside } = placed
  const block = state.blocks(placed.lane, edit)?.[placed.block]
  // the slot of one is as good as that of another: the block is displaced then (index-file.ts)
  if (block?.hotdrop)
    return edit.kind === 'insert' || block.counts.has(key) ? [holderOf(edit.slot, 'drop')] : []
  const known = block?.holders.get(key)
  if (edit.kind === 'delete') return known?.filter(holder => slotOf(holder) !== edit.slot) ?? []
  return [...(known ?? (beside === undefined ? [] : [beside])), holderOf(edit.slot, kind)]
}

/** Has the maps of a block say which of its holders has the key; false where they cannot. */
function settle(
  { state, view, place, lines }: Context,
  { lane, block: at, key, holders }: PlacedEdit & { readonly holders: readonly number[] },
): boolean {
  const block = state.blocks(lane, place)?.[at]
  if (!block) return false
  const first = firstOf(holders, lines)
  // the rules behind one that only counts are met too
  if (first !== undefined && holders.length > 1 && !block.hotdrop && kindOf(first) === 'continue')
    return false
  return block.maps.every(map => {
    const value =
      first === undefined ? null : block.hotdrop ? hotdropValue(slotOf(first)) : valueFor(state, map, first)
    if (value === undefined) return false
    view.write(lane, map, key, value)
    return true
  })
}

const hotdropValue = (slot: number): string => Buffer.from(dispatchValue(slot, HOTDROP)).toString('hex')

/** The first in the chain. */
function firstOf(holders: readonly number[], lines: Lines): number | undefined {
  if (holders.length < 2) return holders[0]
  const numbered = holders.map(holder => ({ holder, number: lines.numberOf(slotOf(holder)) ?? 0 }))
  return numbered.reduce((a, b) => (a.number < b.number ? a : b)).holder
}

/** What a map holds for a rule; undefined where its program knows no such outcome, or not the array the rule counts in. */
function valueFor(
  { index: { arrays } }: EditState,
  { actions }: EditableMap,
  holder: number,
): string | undefined {
  const { array, index } = counterPlace({ arrays }, slotOf(holder))
  for (const [number, action] of actions)
    if (action.array === array.name && action.kind === kindOf(holder))
      return Buffer.from(dispatchValue(index, number)).toString('hex')
  return undefined
}

/** The maps as they will be. Keys are those of a look-up with maps of its own, in hexadecimal digits. */
interface View {
  read(lane: number, map: EditableMap, key: string): string | null
  write(lane: number, map: EditableMap, key: string, value: string | null): void
  /** What has to be written for that. */
  writes(): MapWrite[]
}

function createView(maps: BlockMaps): View {
  const known = new Map<string, MapWrite>()
  const at = (lane: number, map: EditableMap, key: string): MapWrite => {
    const place = `${lane} ${lookUpId(map)} ${key}`
    const found = known.get(place) ?? unchanged(maps, lane, map, key)
    known.set(place, found)
    return found
  }
  return {
    read: (lane, map, key) => at(lane, map, key).value,
    write(lane, map, key, value) {
      known.set(`${lane} ${lookUpId(map)} ${key}`, { ...at(lane, map, key), value })
    },
    writes: () => [...known.values()].filter(({ before, value }) => before !== value),
  }
}

function unchanged(maps: BlockMaps, lane: number, { name: map, shared }: EditableMap, own: string): MapWrite {
  const key = Buffer.from(keyIn(shared, Buffer.from(own, 'hex'))).toString('hex')
  const value = maps.read(lane, map, key)
  return { lane, map, key, value, before: value }
}
