// The index of a generation whose programs were made around what goes on in them (rebuild.ts).

import type { Family } from 'iptables-parser'
import { type EditableBlock, type EditableLane, editableLanes } from '../../../translator/edit/block.ts'
import { type ChainCode, chainCodeOf } from '../../../translator/edit/chain-code.ts'
import { renamed, stretchesOf, treesKept, walksKept } from '../../../translator/edit/kept.ts'
import { lookUpId, mapNames } from '../../../translator/emit/look-up.ts'
import { type Lane, laneName } from '../../../translator/lane.ts'
import type { LaneProgram } from '../../../translator/translate.ts'
import { programMapIds } from '../../kernel/sys/object.ts'
import type { OpenLane } from '../programs.ts'
import type { Description } from '../swap.ts'
import { withCounts } from './chain-table.ts'
import { goingOn, indexBlock, indexStretches, mapIds, namesOfMaps, onlyLoaded } from './describe.ts'
import { editedIn } from './held.ts'
import type { EditIndex, IndexedBlock, IndexedLane, IndexedStretch, Standing } from './index-file.ts'
import { addLines, joinPieces, type Piece } from './lines.ts'
import { nameList, withNames } from './name-list.ts'
import type { Reduced } from './reduce.ts'
import type { EditState } from './state.ts'

/** The program of a lane, and which look-ups go on in it. */
export interface Remade {
  readonly program: LaneProgram
  readonly reduced: Reduced
  readonly taken: ReadonlyMap<string, IndexedBlock>
  /** The ids of the maps in force, by the names they go by in the new program. */
  readonly kept: ReadonlyMap<string, number>
}

/** Finds out now, while programs are verified, all that can be. */
export function describeRemade(state: EditState, generation: number, remade: readonly Remade[]): Description {
  const { index, journal } = state
  const families = familiesAfter(state)
  const described = new Map(remade.map(made => [laneName(made.program.lane), indexRemade(state, made)]))
  return programs => {
    const lanes = programs.flatMap((program): readonly (IndexedLane | undefined)[] => {
      const made = described.get(laneName(program.lane))
      return made ? made(program) : [goingOn(state, program)].flat()
    })
    if (lanes.includes(undefined)) return undefined
    return {
      ...index,
      generation,
      families,
      carriedOut: journal.entries.length + 1,
      lanes: lanes.flatMap(lane => lane ?? []),
    }
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
      counts.set(
        at,
        own.reduce((sum, { count }) => sum + count, 0),
      )
      next = first + count
    }
    addLines(pieces, next, family.slots.length - next)
    return { ...family, chains: withCounts(family.chains, counts), ...joinPieces(family, pieces) }
  })

/** What is known of a program once it is loaded. */
type IndexLoaded = (program: OpenLane) => readonly IndexedLane[]

function indexRemade(state: EditState, made: Remade): IndexLoaded {
  const { standIns, numbers } = made.reduced
  const numberOf = (rule: number): number => numbers[rule] ?? 0
  const numbering = {
    first: (rule: number) => standIns.get(rule)?.first ?? numberOf(rule),
    last: (rule: number) => standIns.get(rule)?.last ?? numberOf(rule),
  }
  const lanes = editableLanes(made.program, numbering).map(lane => describeLane(state, made, lane, numberOf))
  return loaded => lanes.map(one => indexLane(state, made.kept, one, loaded))
}

/** What is known of a lane before its program is loaded. */
interface DescribedLane {
  readonly lane: EditableLane
  readonly code: ChainCode | undefined
  /** The functions that it goes on with. */
  readonly held: ChainCode | undefined
  readonly blocks: readonly (readonly [chain: string, readonly IndexedBlock[]])[]
  readonly stretches: ReadonlyMap<string, readonly IndexedStretch[]>
  /** The names of maps that the program has of its own. */
  readonly fresh: ReadonlySet<string>
}

function describeLane(
  state: EditState,
  { program, reduced, taken, kept }: Remade,
  lane: EditableLane,
  numberOf: (rule: number) => number,
): DescribedLane {
  const code = chainCodeOf(program, lane.family)
  const held = program.held?.get(lane.family)
  // where a chain's code stands in functions too that went on, what is edited in it here would be missing there
  const isTwice = (chain: string): boolean => held?.inPlace.has(chain) === true
  const blocks = lane.chains.map(({ name, blocks }) => {
    const own = isTwice(name) ? [] : blocks
    return [name, own.map(block => indexRemadeBlock(block, lane.family, reduced, taken))] as const
  })
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
  return { lane, code, held, blocks, stretches, fresh }
}

/** Where the look-up of a block went on, it is as it was but for where it stands. */
function indexRemadeBlock(
  block: EditableBlock,
  family: Family,
  reduced: Reduced,
  taken: Remade['taken'],
): IndexedBlock {
  const [map] = block.maps
  const before = map && taken.get(lookUpId(map))
  if (!before) return indexBlock(block, family, reduced.slots)
  const { first, last, holders, counts, edited, displaced, counting } = before
  const { repeated: _, ...shape } = block
  return {
    ...shape,
    first,
    last,
    holders,
    counts,
    edited,
    standing: standingFor(reduced, before),
    ...(displaced && { displaced }),
    ...(counting && { counting }),
  }
}

function indexLane(
  state: EditState,
  kept: Remade['kept'],
  { lane, code, held, blocks, stretches, fresh }: DescribedLane,
  { fd }: OpenLane,
): IndexedLane {
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
  const isThere = (name: string): boolean => maps.get(name) === before?.maps.get(name)
  const areThere = (blocks: readonly IndexedBlock[], own: readonly IndexedStretch[]): boolean =>
    blocks.every(block => block.maps.every(map => mapNames(map).every(isThere))) &&
    own.every(stretch => treesKept(stretch.blocks).every(({ map }) => isThere(map)))
  const going = new Map<string, readonly IndexedBlock[]>()
  const stretches = new Map<string, readonly IndexedStretch[]>()
  const [inLookUps, inTrees] = [state.chainsIn(at), state.stretchesIn(at)]
  for (const chain of new Set([...inLookUps.keys(), ...inTrees.keys()])) {
    const [blocks, own] = [inLookUps.get(chain) ?? [], inTrees.get(chain) ?? []]
    if (translated.has(chain) || !areThere(blocks, own)) continue
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
