// Putting a generation in force. Whatever fails and whenever the process is killed, a whole generation enforces, and up to the
// commit it is the old one:
//
//     maps, programs      new objects beside those in use
//     counters            slots that no program in force counts in, while the kernel verifies the programs
//     state               a file of a number that no kernel word holds, in that time as well
//     fill, pin           the bank that the generation word does not select; devices that the next one does not judge at ingress are
//                         judged at nf-input from here on
//     commit              the one write; from here on it is the new one
//     attach              links that are missing, with their slots filled (where nothing was in force those of devices are made
//                         while programs are verified, and pinned here); then links no longer needed are taken off; devices new to
//                         ingress are handed over to it
//     record, clean       what to load after a reboot; older generations
//
// The old bank keeps its programs until the next swap, since packets in flight may still be on their way there.

import type { Counters } from 'iptables-parser'
import { counterPlace } from '../../translator/counter.ts'
import { counterMap } from '../../translator/emit/count.ts'
import { interfaceMap } from '../../translator/hook/device.ts'
import { dispatcherMaps } from '../../translator/hook/dispatcher.ts'
import { type Lane, laneName } from '../../translator/lane.ts'
import type { MapSpec } from '../../translator/program.ts'
import type { Translated } from '../../translator/translate.ts'
import { releaseConntrack, requireConntrack } from '../kernel/conntrack.ts'
import { writeCounters } from '../kernel/counter-write.ts'
import type { ProgramHandle } from '../kernel/program.ts'
import { programById } from '../kernel/sys/object.ts'
import type { MadeAhead } from './ahead.ts'
import { attachAhead, openDispatcher, pinnedAttachments, switchAttachments } from './attach.ts'
import { everyLaneOf, fillBank, programInSlot, writeGenerationWord } from './bank.ts'
import { type Keep, withDescriptorsLater } from './descriptors.ts'
import { removeIfThere } from './durable-file.ts'
import {
  forgetGenerations,
  generationFile,
  type PlacedGeneration,
  writeCurrent,
  writeGeneration,
} from './generation.ts'
import { type EditIndex, removeIndex, writeIndex } from './incremental/index-file.ts'
import { removeJournal } from './incremental/journal.ts'
import { handOver, settle, takeBack } from './interfaces.ts'
import { attachmentsOf, type LaneHook } from './lanes.ts'
import type { Live } from './live.ts'
import { type KeptMaps, openSharedMaps, type SharedMaps } from './maps.ts'
import type { Plan } from './plan.ts'
import { loadLanes, type OpenLane, openPinnedLanes, pinLanes, unpinOtherGenerations } from './programs.ts'
import { removeEverything, removeUnusedCounters } from './remove.ts'
import { followNames } from './renamed.ts'
import type { Settings } from './settings.ts'

export const swapSteps = [
  'maps',
  'programs',
  'counters',
  'state',
  'fill',
  'pin',
  'commit',
  'attach',
  'record',
  'clean',
] as const
export type SwapStep = (typeof swapSteps)[number]

/** Everything a swap needs to know. */
export interface Next {
  readonly live: (Pick<Live, 'counterArrays'> & { readonly generation: PlacedGeneration }) | undefined
  readonly generation: PlacedGeneration
  readonly plan: Pick<Plan, 'layout' | 'fresh' | 'fromZero'>
  /** Of the lanes that are loaded anew. */
  readonly translation: Translated
  /** Lanes whose program of the generation in force serves the next one too. */
  readonly reused: readonly Lane[]
  /** Maps in force that programs loaded anew use as well. */
  readonly kept?: KeptMaps
  readonly ahead?: MadeAhead
  /** What edits must know of the generation, where that can be told: worked out while the programs are verified, but for what they say themselves. */
  readonly describe: (translation: Translated) => Description
  /** Writes down the edits that the rules of the generation are read with, so that they are there after a power cut. */
  readonly writeEdits?: () => void
}

export type Description = (programs: readonly OpenLane[]) => EditIndex | undefined

export interface SwapOptions {
  /** Called before each step; what it throws stops the swap there. */
  readonly before?: (step: SwapStep) => void
}

/**
 * Puts a generation in force; the caller holds the lock. What it throws (KernelError, SystemError, ServiceError) leaves the
 * generation before in force, and nothing where there was none.
 */
export async function swap(settings: Settings, next: Next, options: SwapOptions = {}): Promise<void> {
  try {
    await takeSteps(settings, next, options)
  } catch (error) {
    if (!next.live) removeEverything(settings)
    throw error
  }
}

async function takeSteps(settings: Settings, next: Next, { before = () => {} }: SwapOptions): Promise<void> {
  const { generation, plan, live } = next
  const attachments = attachmentsOf(generation)
  await withDescriptorsLater(async keep => {
    before('maps')
    removeUnusedCounters(settings, live)
    const shared = openSharedMaps(settings, sharedSpecs(settings, next), 'pin', keep, next.ahead)
    before('programs')
    const isTracked = live?.generation.conntrack === true
    const loading = openLanes(settings, next, shared, keep).then(lanes => {
      if (generation.conntrack && !isTracked) requireConntrack()
      return lanes
    })
    const attaching = begin(async () => {
      const dispatchers = openDispatchers(settings, generation.lanes, shared, keep)
      // where nothing is in force a dispatcher finds no program and passes all on
      const links = live ? undefined : await attachAhead(attachments, dispatchers, keep)
      return { dispatchers, links }
    })
    const describing = begin(() => {
      before('counters')
      setFreshCounters(plan, shared)
      before('state')
      writeGeneration(settings, generation)
      next.writeEdits?.()
      // it was asked for before, so if the programs are refused nothing is other than it was
      if (generation.conntrack && isTracked) requireConntrack()
      return next.describe(next.translation)
    })
    const beside = [loading, attaching, describing] as const
    const [programs, { dispatchers, links }, describe] = await allEnded(beside).catch(error => {
      removeUnloaded(settings, generation.number)
      throw error
    })
    writeEditIndex(settings, generation.number, describe(programs))
    before('fill')
    const staying = stayingLanes(settings, next, shared, keep)
    fillBank(shared, generation.number, [...programs, ...staying])
    takeBack(shared, live?.generation.hook === generation.hook ? generation.devices : [])
    before('pin')
    pinLanes(settings, generation.number, programs)
    before('commit')
    writeGenerationWord(shared, generation.number)
    before('attach')
    attachOrGoBack(settings, next, shared, () => switchAttachments(settings, attachments, dispatchers, links))
    handOver(shared, generation.devices)
    if (staying.length > 0) letGo(shared, generation.number, programs)
    before('record')
    writeCurrent(settings, generation.number)
    before('clean')
    unpinOtherGenerations(settings, generation.number)
    forgetGenerations(settings, generation.number)
    if (live?.generation.conntrack && !generation.conntrack) releaseConntrack()
  })
}

/** Runs what may throw up to where it waits. */
const begin = async <T>(body: () => T | Promise<T>): Promise<T> => body()

/** What comes of tasks, once all have ended; where several fail, the first of them says why. */
async function allEnded<T extends readonly Promise<unknown>[]>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(tasks)
  return Promise.all(tasks)
}

/** What was written down of a generation whose programs the kernel refused. */
function removeUnloaded(settings: Settings, number: number): void {
  removeIfThere(generationFile(settings, number))
  removeJournal(settings, number)
}

/** Without an index edits are slower, and that is all. */
function writeEditIndex(settings: Settings, number: number, index: EditIndex | undefined): void {
  if (index) writeIndex(settings, index)
  else removeIndex(settings, number)
}

/** Loads all programs of a generation, so that the verifier sees them, and lets go of them again. */
export async function rehearse(settings: Settings, next: Next): Promise<void> {
  await withDescriptorsLater(async keep => {
    const shared = openSharedMaps(settings, sharedSpecs(settings, next), 'make', keep, next.ahead)
    await loadLanes(next.translation, shared, keep, next.kept)
  })
}

/** Hooks that the next generation uses, and those that are attached until it is in force. */
const hooksOf = (settings: Settings, { generation }: Next): Set<LaneHook> =>
  new Set([...generation.lanes, ...pinnedAttachments(settings)].map(({ hook }) => hook))

function* sharedSpecs(settings: Settings, next: Next): Generator<MapSpec> {
  for (const hook of hooksOf(settings, next)) yield* dispatcherMaps(hook)
  yield* next.plan.layout.arrays.map(counterMap)
  for (const { spec } of next.translation.programs) yield* spec.maps
  if (next.live && next.live.generation.hook !== 'netfilter') yield interfaceMap
}

const openLanes = async (
  settings: Settings,
  { live, reused, translation, kept }: Next,
  shared: SharedMaps,
  keep: Keep,
): Promise<OpenLane[]> => [
  ...(live ? openPinnedLanes(settings, live.generation.number, reused, keep) : []),
  ...(await loadLanes(translation, shared, keep, kept)),
]

const openDispatchers = (
  settings: Settings,
  lanes: readonly Lane[],
  shared: SharedMaps,
  keep: Keep,
): Map<LaneHook, ProgramHandle> =>
  new Map(
    [...new Set(lanes.map(({ hook }) => hook))].map(hook => [
      hook,
      openDispatcher(settings, hook, shared, keep),
    ]),
  )

/** The programs of the generation in force at hooks that will be taken off: they go on until then. */
function stayingLanes(
  settings: Settings,
  { live, generation }: Next,
  shared: SharedMaps,
  keep: Keep,
): OpenLane[] {
  if (!live) return []
  const names = new Set(generation.lanes.map(laneName))
  return [...new Set(pinnedAttachments(settings).map(({ hook }) => hook))]
    .flatMap(everyLaneOf)
    .filter(lane => !names.has(laneName(lane)))
    .flatMap(lane => {
      const id = programInSlot(shared, live.generation.number, lane)
      return id === undefined ? [] : [{ lane, fd: keep(programById(id)) }]
    })
}

/** Turns to the programs of the generation alone, once hooks are taken off and no packet is on its way through them. */
function letGo(shared: SharedMaps, generation: number, programs: readonly OpenLane[]): void {
  settle()
  fillBank(shared, generation, programs)
}

/** Gives fresh slots what they begin with; those of arrays made just now hold zeros already. */
function setFreshCounters(plan: Next['plan'], { maps, made }: SharedMaps): void {
  const { layout } = plan
  if (plan.fromZero && layout.arrays.every(({ name }) => made.has(name))) return
  const values = new Map<string, [number, Counters][]>()
  for (const [slot, counters] of plan.fresh) {
    const isZero = !counters.packets && !counters.bytes
    const { array, index } = counterPlace(layout, slot)
    if (isZero && made.has(array.name)) continue
    const own = values.get(array.name)
    if (own) own.push([index, counters])
    else values.set(array.name, [[index, counters]])
  }
  for (const [name, own] of values) {
    const map = maps.get(name)
    if (!map) throw new RangeError(`the counter array ${name} was not opened`)
    writeCounters(map, own)
  }
}

/** Where a hook cannot be had, the generation before is put back in force. */
function attachOrGoBack(
  settings: Settings,
  { live }: Next,
  shared: SharedMaps,
  switchOver: () => void,
): void {
  try {
    followNames(settings)
    switchOver()
  } catch (error) {
    writeGenerationWord(shared, live?.generation.number ?? 0)
    throw error
  }
}
