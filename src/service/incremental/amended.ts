// Edits among the rules of trees in maps that have packets in common with many rules: the trees themselves are amended (translator/edit/amend.ts), so that these rules are
// not read, and packets meet nothing else than trees. What cannot be said so is left to what is laid over the trees (parts.ts).

import type { Family } from 'iptables-parser'
import type { KeptTrees } from '../../../translator/chain.ts'
import { putIn, takenOut, withGaps } from '../../../translator/edit/amend.ts'
import type { KeptBlock } from '../../../translator/edit/kept.ts'
import { canPart } from '../../../translator/edit/parted.ts'
import {
  answersNaming,
  boxesOfItems,
  firstSlotsOf,
  positionsOf,
  type Unplaced,
} from '../../../translator/edit/word-items.ts'
import type { Action } from '../../../translator/emit/answer.ts'
import { protocolsIn } from '../../../translator/emit/needs.ts'
import type { Item } from '../../../translator/item.ts'
import { withinOdd, withinWhole } from '../../../translator/split.ts'
import type { Trees, WordBox } from '../../../translator/tree/word-tree.ts'
import { indexKey } from '../../kernel/map.ts'
import { lookupElement } from '../../kernel/sys/map.ts'
import { close, mapById } from '../../kernel/sys/object.ts'
import { AmendMemory } from './amend-memory.ts'
import type { EditedText, IndexedLane, IndexedStretch } from './index-file.ts'
import { editedRules } from './items.ts'
import type { JournalEdit } from './journal.ts'
import type { Lines } from './lines.ts'
import { MOST_READ } from './parts.ts'
import { reachOf } from './reach.ts'
import type { ChainPlace, EditState } from './state.ts'

/** What was edited in stretches before. */
export function editsKnown(state: EditState): ReadonlySet<EditedText> {
  const known = new Set<EditedText>()
  for (const at of state.index.lanes.keys())
    for (const stretches of state.stretchesIn(at).values())
      for (const { edited } of stretches) for (const one of edited) known.add(one)
  return known
}

/** Amends the trees of edits that the state has carried out, but for those it knew before. */
export function amendTrees(
  state: EditState,
  edits: readonly JournalEdit[],
  known: ReadonlySet<EditedText>,
): void {
  const rulesBySlot = rememberingRules(state)
  const memory = new AmendMemory()
  for (const [at, lane] of state.index.lanes.entries())
    for (const place of new Map(
      edits.map(edit => [`${edit.family} ${edit.table} ${edit.chain}`, edit]),
    ).values()) {
      const lines = state.lines(place)
      const stretches = state.stretches(at, place)
      if (!lines || !stretches.some(({ blocks }) => sidesOf(blocks) !== undefined)) continue
      const amend = (stretch: IndexedStretch): IndexedStretch =>
        stretch.edited.reduce((amended, one) => {
          const [edit, other] = edits.filter(({ rule, kind }) => rule === one.rule && kind === one.kind)
          if (!edit || other || known.has(one)) return amended
          return (
            amendStretch(
              { state, memory, rulesBySlot, at, lane, place, lines, stretch: amended },
              edit,
              one,
            ) ?? amended
          )
        }, stretch)
      state.setStretches(at, place, stretches.map(amend))
    }
}

interface Context {
  readonly state: EditState
  readonly memory: AmendMemory
  readonly rulesBySlot: RulesBySlot
  readonly at: number
  readonly lane: IndexedLane
  readonly place: ChainPlace
  readonly lines: Lines
  readonly stretch: IndexedStretch
}

/** A rule that was put in stands at a number; of one that was taken out it is known which have packets in common with it, if it may have hidden any. */
type Change =
  | {
      readonly kind: 'insert'
      readonly slot: number
      readonly items: readonly Item[]
      readonly number: number
    }
  | { readonly kind: 'delete'; readonly slot: number; readonly near: readonly number[] }

function amendStretch(context: Context, edit: JournalEdit, one: EditedText): IndexedStretch | undefined {
  const { stretch } = context
  const change = changeOf(context, edit, one)
  const sides = change && sidesOf(stretch.blocks)
  if (!sides) return undefined
  const amended = sides.flatMap(side => amendSide(context, side, change) ?? [])
  if (amended.length < sides.length) return undefined
  const others = (stretch.putIn ?? []).filter(slot => slot !== edit.slot)
  const revived = [...(stretch.revived ?? []), ...amended.flatMap(one => one.revived)]
  return {
    ...stretch,
    blocks: withTrees(
      stretch.blocks,
      amended.map(({ trees }) => trees),
    ),
    edited: stretch.edited.filter(other => other !== one),
    putIn: change.kind === 'insert' ? [...others, edit.slot] : others,
    revived: [...new Set(revived)],
  }
}

/** Undefined where the rule has packets in common with few, or does not stand as the edit has it. */
function changeOf(
  { state, at, place, lines, stretch: { first, last, putIn } }: Context,
  { kind, slot }: JournalEdit,
  one: EditedText,
): Change | undefined {
  const [edited] = editedRules(state, at, place, [one]) ?? []
  if (!edited || !canPart(edited.items)) return undefined
  const { rule, items } = edited
  const standing = lines.find(one.rule, 2).filter(number => first <= number && number <= last)
  if (standing.length !== (kind === 'insert' ? 1 : 0)) return undefined
  const [number = last] = standing
  // what was put into trees hides nothing in them
  const hidesNone = kind === 'insert' || putIn?.includes(slot)
  const most = hidesNone ? MOST_READ + 1 : undefined
  const near = lines.meeting(first, number, reachOf(rule, place.family), most)
  if (near.length <= MOST_READ) return undefined
  if (kind === 'insert') return { kind, slot, items, number }
  if (hidesNone) return { kind, slot, near: [] }
  return isPlain(one.rule, place.family) ? { kind, slot, near } : undefined
}

/** A rule as iptables-save prints it that asks for no more than prefixes, a protocol and ports: it is one box for packets with a whole transport header, and one at most for others. */
export const isPlain = (text: string, family: Family): boolean => family === 4 && plain.test(text)
const plain =
  /^( -s \S+)?( -d \S+)?( -p \w+( -m (tcp|udp)( --sport \S+)?( --dport \S+)?)?)? -j (ACCEPT|DROP|RETURN)$/

/** What it asks of packets without a whole transport header, of which those for ports find all malformed. */
const withoutPorts = (text: string): string => /^( -s \S+)?( -d \S+)?( -p \w+)?/.exec(text)?.[0] ?? ''

/** Trees, and which of a rule's items are theirs. */
interface Side {
  readonly trees: KeptTrees
  readonly isOdd: boolean
  itemsOf(items: readonly Item[], family: Family): readonly Item[]
}

/** Undefined where rules stand in several blocks of a side, or transport headers are not told apart. */
function sidesOf(blocks: readonly KeptBlock[]): readonly Side[] | undefined {
  const [block, other] = blocks
  if (!block || other) return undefined
  if (block.kind === 'kept') {
    const isTold = block.layout.words.every(({ field }) => field !== 'transport')
    return isTold ? [{ trees: block, isOdd: false, itemsOf: items => items }] : undefined
  }
  if (block.kind === 'walked') return undefined
  const [[whole, more], [odd, further]] = [block.whole, block.odd]
  if (whole?.kind !== 'kept' || odd?.kind !== 'kept' || more || further) return undefined
  return [
    { trees: whole, isOdd: false, itemsOf: withinWhole },
    { trees: odd, isOdd: true, itemsOf: withinOdd },
  ]
}

function withTrees(blocks: readonly KeptBlock[], [trees, odd]: readonly KeptTrees[]): readonly KeptBlock[] {
  return blocks.map(block =>
    block.kind !== 'split'
      ? (trees ?? block)
      : { ...block, whole: trees ? [trees] : block.whole, odd: odd ? [odd] : block.odd },
  )
}

function amendSide(
  context: Context,
  side: Side,
  change: Change,
): { readonly trees: KeptTrees; readonly revived: readonly number[] } | undefined {
  const { layout, map, bytes: known } = side.trees
  const bytes = known ?? bytesOf(context.lane.maps.get(map), layout.size)
  if (!bytes) return undefined
  const trees = { layout, bytes }
  const amended =
    change.kind === 'insert' ? put(context, side, trees, change) : take(context, side, trees, change)
  if (!amended) return undefined
  const { kept, revived = [] } = amended
  return { trees: { ...side.trees, ...kept, ...amended.trees }, revived }
}

function bytesOf(id: number | undefined, size: number): Uint8Array | undefined {
  if (id === undefined) return undefined
  const fd = mapById(id)
  try {
    const bytes = new Uint8Array(size)
    return lookupElement(fd, indexKey(0), bytes) ? bytes : undefined
  } finally {
    close(fd)
  }
}

/** Trees, and what else is known of them then. */
interface Amended {
  readonly trees: Trees
  readonly revived?: readonly number[]
  readonly kept: Partial<Pick<KeptTrees, 'actions' | 'protocols'>>
}

function put(
  context: Context,
  side: Side,
  trees: Trees,
  { slot, items, number }: Extract<Change, { kind: 'insert' }>,
): Amended | undefined {
  const { family } = context.place
  const said = boxesOfItems(side.itemsOf(items, family), slot, side.trees, {
    family,
    arrays: context.state.index.arrays,
  })
  if (!said) return undefined
  const { actions } = side.trees
  const amended = about(context, trees, ['put', actions, number, said.boxes], () => {
    const standing = standingIn(context, actions, trees)
    const placed = standing && placedBetween(trees, standing, [{ number, boxes: said.boxes }])
    return placed && putIn(placed.trees, placed.boxes)
  })
  const protocols = [...new Set([...side.trees.protocols, ...protocolsIn(items, family)])]
  return amended && { trees: amended, kept: { actions: said.actions, protocols } }
}

function take(
  context: Context,
  side: Side,
  trees: Trees,
  { slot, near }: Extract<Change, { kind: 'delete' }>,
): Amended | undefined {
  const gone = answersNaming(slot, firstSlotsOf(side.trees.actions, context.state.index.arrays))
  const standing =
    near.length > 0
      ? about(context, trees, ['standing', side.trees.actions], () =>
          standingIn(context, side.trees.actions, trees),
        )
      : nothing
  const hidden = standing && hiddenBy(context, side, near, standing.isThere)
  if (!hidden) return undefined
  const amended = about(context, trees, ['take', [...gone], side.trees.actions, hidden.rules], () => {
    const placed = placedBetween(trees, standing, hidden.rules)
    return takenOut(placed.trees, gone, placed.boxes)
  })
  return amended && { trees: amended, kept: { actions: hidden.actions }, revived: hidden.revived }
}

/** What is found out about trees with the rules of a stretch as they stand. */
const about = <T>(
  { memory, place: { family, table, chain }, stretch: { first, last } }: Context,
  trees: Trees,
  [kind, ...question]: readonly [kind: string, ...unknown[]],
  answer: () => T,
): T => memory.about(trees, [kind, family, table, chain, first, last, ...question], answer)

/** Where the rules that stand now are in trees. */
interface Standing {
  /** The greatest position of rules before one. */
  lastBefore(number: number): number
  isThere(number: number): boolean
}

const nothing: Standing = { lastBefore: () => -1, isThere: () => false }

/** Of the rules from one to another, how many they are and for each slot which of them counts in it, from 0; -1 where none of them does. */
type RulesBySlot = (
  lines: Lines,
  first: number,
  last: number,
) => { readonly rules: Int32Array; readonly count: number }

/** All programs have the same rules, and so have both sides of a split. */
function rememberingRules({ index: { arrays } }: EditState): RulesBySlot {
  const room = arrays.reduce((sum, { entries }) => sum + entries, 0)
  const known = new WeakMap<Lines, Map<string, ReturnType<RulesBySlot>>>()
  return (lines, first, last) => {
    const ranges = known.get(lines) ?? new Map<string, ReturnType<RulesBySlot>>()
    known.set(lines, ranges)
    const found = ranges.get(`${first} ${last}`) ?? rulesIn(lines.slots(first, last), room)
    ranges.set(`${first} ${last}`, found)
    return found
  }
}

function rulesIn(slots: Uint32Array, room: number): ReturnType<RulesBySlot> {
  const rules = new Int32Array(room).fill(-1)
  for (let at = 0; at < slots.length; at++) rules[slots[at] ?? 0] = at
  return { rules, count: slots.length }
}

/** Undefined where positions are not in the order of the rules: what was taken out may still be there under a slot that another rule has now. */
function standingIn(
  { state, rulesBySlot, lines, stretch: { first, last } }: Context,
  actions: readonly Action[],
  trees: Trees,
): Standing | undefined {
  const firstSlots = firstSlotsOf(actions, state.index.arrays)
  const { rules, count } = rulesBySlot(lines, first, last)
  const { least, most } = positionsOf(trees, rules, count, firstSlots)
  const before = new Int32Array(count + 1).fill(-1)
  for (let at = 0, greatest = -1; at < count; before[++at] = greatest) {
    if ((least[at] ?? 0) <= greatest) return undefined
    const own = most[at] ?? -1
    if (own > greatest) greatest = own
  }
  return {
    lastBefore: number => before[number - first] ?? -1,
    isThere: number => (most[number - first] ?? -1) >= 0,
  }
}

/** What a rule asks, item by item. */
interface Asked {
  readonly number: number
  readonly boxes: readonly (readonly Unplaced[])[]
}

/** The boxes of rules in order, and the trees with room between their positions. */
function placedBetween(
  trees: Trees,
  { lastBefore }: Standing,
  rules: readonly Asked[],
): { readonly trees: Trees; readonly boxes: readonly WordBox[] } {
  const items = rules.flatMap(({ number, boxes }) =>
    boxes.map(own => ({ own, from: lastBefore(number) + 1 })),
  )
  const boxes = items.flatMap(({ own, from }, at) => own.map(box => ({ ...box, position: from + at })))
  return {
    trees: withGaps(
      trees,
      items.map(({ from }) => from),
    ),
    boxes,
  }
}

/** Rules that some leaves may not hold, the actions that their answers name, and their slots. */
interface Hidden {
  readonly rules: readonly Asked[]
  readonly actions: readonly Action[]
  readonly revived: readonly number[]
}

/** So many rules that others hide may be read. */
const MOST_HIDDEN = 256

/** Of rules near one that goes, those that the trees may not hold where it stands; undefined where they are too many, or are no boxes. */
function hiddenBy(
  { state, at, place, lines, stretch }: Context,
  { trees, isOdd, itemsOf }: Side,
  near: readonly number[],
  isThere: Standing['isThere'],
): Hidden | undefined {
  const laidOver = new Set(stretch.edited.map(({ rule }) => rule))
  const [whole, partly] = [new Set(stretch.putIn), new Set(stretch.revived)]
  const texts = near.flatMap(number => {
    const [text, slot] = [lines.textOf(number), lines.slotOf(number)]
    return laidOver.has(text) || whole.has(slot) ? [] : [{ number, text, slot }]
  })
  if (texts.some(({ text }) => text.includes('\0'))) return undefined
  const questions = new Set<string>()
  const wanted = texts.filter(({ number, text, slot }) => {
    if (!isPlain(text, place.family)) return true
    const question = isOdd ? withoutPorts(text) : text
    if (questions.has(question)) return false
    questions.add(question)
    return !isThere(number) || partly.has(slot)
  })
  if (wanted.length > MOST_HIDDEN) return undefined
  const rules = editedRules(
    state,
    at,
    place,
    wanted.map(({ text }) => ({ rule: text, kind: 'delete' })),
  )
  if (!rules) return undefined
  let { actions } = trees
  const asked: Asked[] = []
  for (const [index, { number, slot }] of wanted.entries()) {
    const said = boxesOfItems(
      itemsOf(rules[index]?.items ?? [], place.family),
      slot,
      { layout: trees.layout, actions },
      { family: place.family, arrays: state.index.arrays },
    )
    if (!said) return undefined
    actions = said.actions
    asked.push({ number, boxes: said.boxes })
  }
  return { rules: asked, actions, revived: wanted.map(({ slot }) => slot) }
}
