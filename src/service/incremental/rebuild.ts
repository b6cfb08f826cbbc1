// Edits that make programs anew without reading the rules that their look-ups hold: the maps of those go on in the new programs (translator/edit/stand-in.ts). What
// comes of it is a generation of the same text, with the edit in its journal.

import { type Command, type Counters, noCounters, type Rule, standsAnywhere } from 'iptables-parser'
import { isCalling } from '../../../translator/edit/block.ts'
import { heldTogether } from '../../../translator/edit/chain-code.ts'
import { goingOnWith, takeOver } from '../../../translator/edit/stand-in.ts'
import { mapNames } from '../../../translator/emit/look-up.ts'
import { type Lane, laneName } from '../../../translator/lane.ts'
import { type LaneProgram, translate, translateAround } from '../../../translator/translate.ts'
import { valuesFor } from '../../../translator/tree/dispatch.ts'
import { ServiceError } from '../error.ts'
import { type PlacedGeneration, readUnread } from '../generation.ts'
import { load } from '../load.ts'
import { lanesPinned } from '../programs.ts'
import type { Settings } from '../settings.ts'
import type { Next, SwapOptions } from '../swap.ts'
import { amendTrees, editsKnown } from './amended.ts'
import { ownMaps } from './describe.ts'
import type { IndexedBlock } from './index-file.ts'
import { itemsOf } from './items.ts'
import { copyJournal, type JournalEdit, markEntry } from './journal.ts'
import type { PlacedStep } from './plan.ts'
import { endedBy, isAsSet, MOST_ENTRIES, placedSteps, writtenInForce } from './quick.ts'
import { type Reduced, reduceFor } from './reduce.ts'
import { describeRemade, type Remade } from './remade.ts'
import { leadsOn, type StaleChains, staleAfter } from './stale.ts'
import { type EditState, stateOf } from './state.ts'
import { asksForConntrack, conntrackAfter, laneWith, withConntrack } from './tracking.ts'

/** Fewer rules are read as quickly as they are left out. */
const LEAST_UNREAD = 64

/** MAX_USED_MAPS: what goes on and what is new may be more together. */
const MOST_MAPS = 64

/** Makes the edits of commands with programs of which all long look-ups go on, and those that hold no chain of the edits; false where that cannot be. The caller holds the lock. */
export async function editAround(
  settings: Settings,
  commands: readonly Command[],
  options: SwapOptions = {},
  written = writtenInForce(settings),
): Promise<boolean> {
  const steps = placedSteps(commands)
  const state = steps && written && stateOf(written)
  if (!state || mostRead(state) < 0 || !isAsSet(settings, state.index)) return false
  if (state.journal.entries.length >= MOST_ENTRIES) return false
  const known = editsKnown(state)
  const outlined = outline(state, steps)
  if (outlined) amendTrees(state, outlined.edits, known)
  const saved = outlined && readUnread(settings, state.index.generation)
  const next = saved && withConntrack(state, outlined.conntrack)
  const remade = next && remake(next, saved, outlined)
  return remade ? await putInForce(settings, next, saved, outlined, remade, options) : false
}

/** So many rules may have to be read: no more than are left out. */
function mostRead({ index }: EditState): number {
  const all = index.families.reduce((sum, { slots }) => sum + slots.length, 0)
  return Math.min(all - LEAST_UNREAD, all / 2)
}

interface Outline {
  readonly edits: readonly JournalEdit[]
  readonly fresh: ReadonlyMap<number, Counters>
  readonly stale: StaleChains
  /** Whether some rule asks for connections then. */
  readonly conntrack: boolean
}

/** Carries the edits out on the state; undefined where more would change than programs. */
function outline(state: EditState, steps: readonly PlacedStep[]): Outline | undefined {
  const edits: JournalEdit[] = []
  const fresh = new Map<number, Counters>()
  const asking = { put: false, gone: false }
  for (const { place, step } of steps) {
    const lines = state.lines(place)
    const request = lines && step(lines)
    const slot = request && (request.kind === 'insert' ? state.takeSlot() : lines.slotOf(request.number))
    if (!request || slot === undefined) return undefined
    const { kind, number, rule, text } = request
    if (kind === 'insert' && !standsAnywhere(rule)) return undefined
    if (asksForConntrack(place, rule)) asking[kind === 'insert' ? 'put' : 'gone'] = true
    if (!leadsOn(state, place, request)) return undefined
    const edit: JournalEdit = { ...place, kind, number, rule: text, slot, placed: [] }
    state.apply(edit, (lane, block) => joins(state, lane, block, rule))
    edits.push(edit)
    if (kind === 'insert') fresh.set(slot, rule.counters ?? noCounters)
  }
  const conntrack = conntrackAfter(state, asking)
  const stale = staleAfter(
    state,
    steps.map(({ place }) => place),
  )
  return stale && conntrack !== undefined ? { edits, fresh, stale, conntrack } : undefined
}

/** Whether a rule beside a look-up that calls chains is looked up with it, which then would be another; the others take such rules in by themselves (plan.ts). */
function joins({ index }: EditState, at: number, block: IndexedBlock, rule: Rule): boolean {
  const lane = index.lanes[at]
  const items = lane && isCalling(block) && block.path.length === 1 ? itemsOf(rule, lane) : undefined
  return items?.every(item => valuesFor(item, block) !== undefined) === true
}

/** Programs for all lanes that hold a chain of the edits; undefined where one cannot be made so. */
function remake(
  state: EditState,
  saved: PlacedGeneration,
  { edits, stale }: Pick<Outline, 'edits' | 'stale'>,
): Remade[] | undefined {
  const { lanes } = state.index
  const isOther = state.index.conntrack !== saved.conntrack
  const touched = lanes.filter(
    ({ lane }, at) => (isOther && lane.early) || edits.some(edit => state.blocks(at, edit) !== undefined),
  )
  const byName = new Map(touched.map(({ lane }) => [laneName(lane), lane]))
  const recent = new Set(saved.edited)
  for (const { edits: journaled } of [...state.journal.entries, { edits }])
    for (const { kind, slot } of journaled) if (kind === 'insert') recent.add(slot)
  const most = mostRead(state)
  const reduced = [...byName].flatMap(([name, lane]) => {
    const rules = reduceFor(state, { lane: name, stale, most })
    return rules ? [{ lane, reduced: rules }] : []
  })
  if (reduced.length < byName.size) return undefined
  if (sumOf(reduced.map(({ reduced: { slots } }) => slots.length)) > most) return undefined
  const remade = reduced.flatMap(one => remakeLane(state, one, recent) ?? [])
  return remade.length === reduced.length ? remade : undefined
}

interface ReducedLane {
  readonly lane: Lane
  readonly reduced: Reduced
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

function remakeLane(
  state: EditState,
  { lane, reduced }: ReducedLane,
  recent: ReadonlySet<number>,
): Remade | undefined {
  const { rulesets, slots, standIns, numbers, kept, held } = reduced
  const edited = new Set(
    slots.flatMap((slot, rule) => (standIns.has(rule) || recent.has(slot) ? [rule] : [])),
  )
  const options = {
    lanes: [lane],
    counters: { arrays: state.index.arrays, slots },
    strategies: { edited, kept },
    goingOn: goingOnWith(standIns),
  }
  const translation = held ? translateAround(rulesets, { ...options, held }) : translate(rulesets, options)
  const [program] = translation?.kind === 'translated' ? translation.programs : []
  // what is together for all programs would begin anew in these
  if (!program || program.spec.maps.some(({ together }) => together)) return undefined
  if (program.spec.maps.length > MOST_MAPS) return undefined
  const taken = takeOver(program, standIns, rule => numbers[rule] ?? 0)
  const ids = taken && keptIds(state, program, taken)
  return taken && ids && { program, reduced, taken, kept: ids }
}

async function putInForce(
  settings: Settings,
  state: EditState,
  saved: PlacedGeneration,
  { edits, fresh, conntrack }: Outline,
  remade: readonly Remade[],
  options: SwapOptions,
): Promise<boolean> {
  const number = saved.number + 1
  const names = new Set(remade.map(({ program }) => laneName(program.lane)))
  const others = saved.lanes.filter(lane => !names.has(laneName(lane)))
  const reused = lanesPinned(settings, saved.number, others)
  if (reused.length < others.length) return false
  const time = Math.max(Date.now(), (state.journal.entries.at(-1)?.time ?? 0) + 1)
  const entry = { time, edits, writes: [] }
  const from = { generation: saved.number, journal: state.journal }
  const next: Next = {
    live: { generation: saved, counterArrays: saved.counterArrays },
    generation: {
      ...saved,
      number,
      conntrack,
      lanes: saved.lanes.map(lane => laneWith(lane, conntrack)),
      time: new Date(time).toISOString(),
    },
    plan: { layout: { arrays: saved.counterArrays, slots: [] }, fresh, fromZero: false },
    translation: { kind: 'translated', programs: remade.map(({ program }) => program), rules: [] },
    reused,
    kept: new Map(remade.map(({ program, kept }) => [laneName(program.lane), kept])),
    describe: () => describeRemade(state, number, remade),
    writeEdits: () => copyJournal(settings, from, number, entry),
  }
  try {
    await load(settings, next, () => ({ kind: 'refused', refusals: [] }), options)
  } catch (error) {
    // of a program that is made of all rules the verifier's words can be told by rule
    if (error instanceof ServiceError && error.code === 'ERR_REJECTED') return false
    throw error
  }
  markEntry(settings, number, { done: endedBy(settings, state.index, entry) })
  return true
}

/** Undefined where a map is in no program: that of a look-up which no packet came to. */
function keptIds(
  { index }: EditState,
  { lane, trees, held }: LaneProgram,
  taken: ReadonlyMap<string, IndexedBlock>,
): ReadonlyMap<string, number> | undefined {
  const lanes = index.lanes.filter(one => laneName(one.lane) === laneName(lane))
  // one program has all of them, so their names tell them apart
  const ids = new Map(lanes.flatMap(({ maps }) => [...maps]))
  const looked = [...taken.values()].flatMap(({ maps }) =>
    maps.flatMap(mapNames).map(name => [name, name] as const),
  )
  const walked = [...trees].flatMap(([name, { block }]) =>
    block.kind === 'kept' && !block.bytes ? [[name, block.map] as const] : [],
  )
  const code = ownMaps(heldTogether(held)).map(name => [name, name] as const)
  const kept = new Map<string, number>()
  for (const [name, before] of [...looked, ...walked, ...code]) {
    const id = ids.get(before)
    if (id === undefined) return undefined
    kept.set(name, id)
  }
  return kept
}
