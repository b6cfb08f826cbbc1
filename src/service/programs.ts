// The programs of a generation: loaded from what was translated, or taken over from the generation in force.

import { mkdirSync } from 'node:fs'
import { type Lane, laneName } from '../../translator/lane.ts'
import type { LaneProgram, Translated } from '../../translator/translate.ts'
import type { MapHandle } from '../kernel/map.ts'
import { listPins, openPin, pin } from '../kernel/pin.ts'
import { loadProgramLater } from '../kernel/program.ts'
import type { FileDescriptor } from '../kernel/sys/object.ts'
import { VerifierError } from '../kernel/verifier/error.ts'
import type { Keep } from './descriptors.ts'
import { type KeptMaps, mapsOf, type SharedMaps } from './maps.ts'
import { generationDirectory, generationsDirectory, programPin, removePins } from './pins.ts'
import { explainRejection } from './rejection.ts'
import type { Settings } from './settings.ts'

/** A lane and its program. */
export interface OpenLane {
  readonly lane: Lane
  readonly fd: FileDescriptor
}

/** Loads a program for each lane, all at the same time, and is done with all of them when it ends. Throws ServiceError('ERR_REJECTED') naming the rule the verifier stopped at. */
export async function loadLanes(
  translation: Translated,
  shared: SharedMaps,
  keep: Keep,
  kept: KeptMaps = new Map(),
): Promise<OpenLane[]> {
  const together = new Map<string, MapHandle>()
  const loadLane = async ({ lane, spec }: LaneProgram): Promise<OpenLane> => {
    try {
      const maps = mapsOf(spec, shared, together, keep, kept.get(laneName(lane)))
      return { lane, fd: keep((await loadProgramLater(spec, maps)).fd) }
    } catch (error) {
      throw error instanceof VerifierError ? explainRejection(error, lane, translation.rules) : error
    }
  }
  // those that drop early come last, and the verifier takes longest for them
  const loading = translation.programs.toReversed().map(loadLane).reverse()
  await Promise.allSettled(loading)
  return Promise.all(loading)
}

/** Which of these lanes have a program pinned by a generation. */
export function lanesPinned(settings: Settings, generation: number, lanes: readonly Lane[]): Lane[] {
  const names = new Set(listPins(generationDirectory(settings, generation)))
  return lanes.filter(lane => names.has(laneName(lane)))
}

/** Opens the programs that a generation has pinned for these lanes. */
export const openPinnedLanes = (
  settings: Settings,
  generation: number,
  lanes: readonly Lane[],
  keep: Keep,
): OpenLane[] =>
  lanes.flatMap(lane => {
    const fd = openPin(programPin(settings, generation, lane))
    return fd === undefined ? [] : [{ lane, fd: keep(fd) }]
  })

export function pinLanes(settings: Settings, generation: number, lanes: readonly OpenLane[]): void {
  mkdirSync(generationDirectory(settings, generation), { recursive: true })
  for (const { lane, fd } of lanes) pin(fd, programPin(settings, generation, lane))
}

/** Removes the program pins of all generations but one. */
export function unpinOtherGenerations(settings: Settings, number: number): void {
  for (const name of listPins(generationsDirectory(settings)))
    if (name !== `${number}`) removePins(generationDirectory(settings, Number(name)))
}
