// Edits that make programs anew without reading the rules that their look-ups hold: the maps of those go on in the new programs (translator/edit/stand-in.ts). What
// comes of it is a generation of the same text, with the edit in its journal.

import {
  type Command,
  type Counters,
  type Family,
  noCounters,
  type Rule,
  standsAnywhere,
} from 'iptables-parser'
import { type EditableLane, editableLanes, isCalling } from '../../../translator/edit/block.ts'
import { chainCodeOf, heldTogether } from '../../../translator/edit/chain-code.ts'
import { renamed, stretchesOf, treesKept, walksKept } from '../../../translator/edit/kept.ts'
import { goingOnWith, takeOver } from '../../../translator/edit/stand-in.ts'
import { lookUpId, mapNames } from '../../../translator/emit/look-up.ts'
import { type Lane, laneName } from '../../../translator/lane.ts'
import { type LaneProgram, translate, translateAround } from '../../../translator/translate.ts'
import { valuesFor } from '../../../translator/tree/dispatch.ts'
import { programMapIds } from '../../kernel/sys/object.ts'
import { ServiceError } from '../error.ts'
import { type PlacedGeneration, readUnread } from '../generation.ts'
import { load } from '../load.ts'
import { lanesPinned, type OpenLane } from '../programs.ts'
import type { Settings } from '../settings.ts'
import type { Next, SwapOptions } from '../swap.ts'
import { amendTrees, editsKnown } from './amended.ts'
import { withCounts } from './chain-table.ts'
import { goingOn, indexBlock, indexStretches, mapIds, namesOfMaps, onlyLoaded, ownMaps } from './describe.ts'
import { editedIn } from './held.ts'
import type { EditIndex, IndexedBlock, IndexedLane, IndexedStretch, Standing } from './index-file.ts'
import { itemsOf } from './items.ts'
import { copyJournal, type JournalEdit, markEntry } from './journal.ts'
import { addLines, joinPieces, type Piece } from './lines.ts'
import { nameList, withNames } from './name-list.ts'
import type { PlacedStep } from './plan.ts'
import { endedBy, isAsSet, MOST_ENTRIES, placedSteps, writtenInForce } from './quick.ts'
import { type Reduced, reduceFor } from './reduce.ts'
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

/** The program of a lane, and which look-ups go on in it. */
interface Remade {
  readonly program: LaneProgram
  readonly reduced: Reduced
  readonly taken: ReadonlyMap<string, IndexedBlock>
  /** The ids of the maps in force, by the names they go by in the new program. */
  readonly kept: ReadonlyMap<string, number>
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
    describe() {
      const known = { generation: number, families: familiesAfter(state) }
      return programs => describeRemade(state, known, programs, remade)
    },
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

function describeRemade(
  state: EditState,
  known: Pick<EditIndex, 'generation' | 'families'>,
  programs: readonly OpenLane[],
  remade: readonly Remade[],
): EditIndex | undefined {
  const { index, journal } = state
  const lanes = programs.flatMap(program => {
    const made = remade.find(one => laneName(one.program.lane) === laneName(program.lane))
    return made ? indexRemade(state, made, program) : [goingOn(state, program)].flat()
  })
  if (lanes.includes(undefined)) return undefined
  return {
    ...index,
    ...known,
    carriedOut: journal.entries.length + 1,
    lanes: lanes.flatMap(lane => lane ?? []),
  }
}

/** The rules as lines, with the edits carried out. */
const familiesAfter = (state: EditState): EditIndex['families'] =>
  state.index.families.map(family => {
    const pieces: Piece[] = []
    const counts = new Map<number, number>()
    let next = 0
    for (const [{ at, first, count }, own] of state.opened(family.family)) {
      addLines(pieces, next, first - next)
      pieces.push(...own)
      counts.set(at, sumOf(own.map(piece => piece.count)))
      next = first + count
    }
    addLines(pieces, next, family.slots.length - next)
    return { ...family, chains: withCounts(family.chains, counts), ...joinPieces(family, pieces) }
  })

function indexRemade(
  state: EditState,
  { program, reduced, taken, kept }: Remade,
  { fd }: OpenLane,
): IndexedLane[] {
  const { slots, numbers, standIns } = reduced
  const numberOf = (rule: number): number => numbers[rule] ?? 0
  const numbering = {
    first: (rule: number) => standIns.get(rule)?.first ?? numberOf(rule),
    last: (rule: number) => standIns.get(rule)?.last ?? numberOf(rule),
  }
  return editableLanes(program, numbering).map(lane => {
    const code = chainCodeOf(program, lane.family)
    const held = program.held?.get(lane.family)
    // where a chain's code stands in functions too that went on, what is edited in it here would be missing there
    const isTwice = (chain: string): boolean => held?.inPlace.has(chain) === true
    const blocks = lane.chains.map(
      ({ name, blocks }) =>
        [
          name,
          (isTwice(name) ? [] : blocks).map(block => {
            const [map] = block.maps
            const before = map && taken.get(lookUpId(map))
            if (!before) return indexBlock(block, lane.family, slots)
            const { first, last, holders, counts, edited, displaced, counting } = before
            const { repeated: _, ...shape } = block
            const standing = standingFor(reduced, before)
            return {
              ...shape,
              first,
              last,
              holders,
              counts,
              edited,
              standing,
              ...(displaced && { displaced }),
              ...(counting && { counting }),
            }
          }),
        ] as const,
    )
    const stretches = indexStretches(stretchesOf(program, lane.family, numberOf))
    for (const [chain, going] of stretchesGoingOn(state, program, lane))
      stretches.set(
        chain,
        [...going, ...(stretches.get(chain) ?? [])].sort((a, b) => a.first - b.first),
      )
    for (const chain of [...stretches.keys()].filter(isTwice)) stretches.delete(chain)
    const named = namesOfMaps(
      blocks.flatMap(([, own]) => own),
      [...stretches.values()].flat(),
      code,
    )
    const fresh = new Set([...named].filter(name => !kept.has(name)))
    const ids = mapIds(fd, fresh, new Set(kept.values()))
    // a map that no packet comes to any more is in no program, and gone with the one before
    const loaded = new Set(programMapIds(fd))
    for (const [name, id] of kept) if (loaded.has(id)) ids.set(name, id)
    const going = held ? chainsGoingOn(state, lane, ids) : noChains
    const all = new Map(going.chains)
    for (const [chain, own] of blocks) if (own.length > 0) all.set(chain, own)
    return onlyLoaded({
      ...lane,
      names: withNames(
        going.names,
        blocks.map(([chain]) => chain),
      ),
      chains: all,
      stretches: new Map([...going.stretches, ...stretches]),
      maps: ids,
      ...(code && { code }),
    })
  })
}

/** What stood in for a look-up. */
function standingFor({ standIns, slots, texts }: Reduced, block: IndexedBlock): Standing {
  const unknown = new Set<string>()
  const rules: Standing['rules'][number][] = []
  for (const [rule, held] of standIns) {
    if (!held.blocks.includes(block)) continue
    rules.push({ slot: slots[rule] ?? Number.NaN, rule: texts[rule] ?? '' })
    for (const edited of editedIn(held)) unknown.add(edited.rule)
  }
  return { rules, unknown: [...unknown] }
}

type ChainsGoingOn = Pick<IndexedLane, 'names' | 'chains' | 'stretches'>

const noChains: ChainsGoingOn = { names: nameList([]), chains: new Map(), stretches: new Map() }

/** The chains that were not translated for a program, which stand in its functions that went on if anywhere, with the names of all that it held. */
function chainsGoingOn(
  state: EditState,
  { lane, family, chains }: EditableLane,
  maps: ReadonlyMap<string, number>,
): ChainsGoingOn {
  const at = laneAt(state, lane, family)
  const translated = new Set(chains.map(({ name }) => name))
  const before = state.index.lanes[at]
  const isThere = (...names: Parameters<typeof namesOfMaps>): boolean =>
    [...namesOfMaps(...names)].every(name => maps.get(name) === before?.maps.get(name))
  const going = new Map<string, readonly IndexedBlock[]>()
  const stretches = new Map<string, readonly IndexedStretch[]>()
  const [inLookUps, inTrees] = [state.chainsIn(at), state.stretchesIn(at)]
  for (const chain of new Set([...inLookUps.keys(), ...inTrees.keys()])) {
    const [blocks, own] = [inLookUps.get(chain) ?? [], inTrees.get(chain) ?? []]
    if (translated.has(chain) || !isThere(blocks, own)) continue
    if (blocks.length > 0) going.set(chain, blocks)
    if (own.length > 0) stretches.set(chain, own)
  }
  return { names: before?.names ?? nameList([]), chains: going, stretches }
}

const laneAt = ({ index }: EditState, lane: Lane, family: Family): number =>
  index.lanes.findIndex(one => laneName(one.lane) === laneName(lane) && one.family === family)

/** The stretches whose trees a program has taken over, with its own names for their maps. */
function stretchesGoingOn(
  state: EditState,
  { lane, trees, plans }: LaneProgram,
  { family, table, chains }: EditableLane,
): (readonly [chain: string, readonly IndexedStretch[]])[] {
  const names = new Map(
    [...trees].flatMap(([name, { block }]) => (block.kind === 'kept' ? [[block, name]] : [])),
  )
  const at = laneAt(state, lane, family)
  const blocks = (one: IndexedStretch) => renamed(one.blocks, kept => names.get(kept) ?? kept.map)
  const planned = plans.flatMap(({ plan }) => plan.mixed.flatMap(({ blocks }) => walksKept(blocks)))
  const walks = new Set(planned)
  // of those behind a rule that ends all the program has none
  const goesOn = ({ blocks }: IndexedStretch): boolean =>
    treesKept(blocks).every(kept => names.has(kept)) && walksKept(blocks).every(kept => walks.has(kept))
  return chains.flatMap(({ name: chain }) => {
    const going = state.stretches(at, { family, table, chain }).filter(goesOn)
    return going.length === 0 ? [] : [[chain, going.map(one => ({ ...one, blocks: blocks(one) }))] as const]
  })
}
