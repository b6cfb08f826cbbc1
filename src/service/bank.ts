// The slots of the program arrays (translator/lane.ts draws them), and the word that chooses between their banks.

import { isNetfilterHook } from '../../translator/hook/place.ts'
import {
  generationMap,
  LANES,
  type Lane,
  laneIndex,
  laneName,
  programArray,
  programType,
} from '../../translator/lane.ts'
import { indexKey, lookup, type MapHandle, remove, update } from '../kernel/map.ts'
import type { LaneHook } from './lanes.ts'
import type { SharedMaps } from './maps.ts'
import { hooks } from './pins.ts'
import type { OpenLane } from './programs.ts'

/** The lanes of a hook, whether it is in use or not. */
export function everyLaneOf(hook: LaneHook): Lane[] {
  if (!isNetfilterHook(hook)) return [{ hook }]
  return [
    { hook, family: 4 },
    { hook, family: 6 },
  ]
}

const slotKey = (generation: number, lane: Lane): Uint8Array =>
  indexKey((generation % 2) * LANES + laneIndex(lane))

const arrayOf = ({ maps }: SharedMaps, hook: LaneHook): MapHandle | undefined =>
  maps.get(programArray(programType(hook)).name)

/** Puts these programs, and no others, into a generation's bank. Only arrays that were opened are looked at. */
export function fillBank(shared: SharedMaps, generation: number, programs: readonly OpenLane[]): void {
  const byName = new Map(programs.map(({ lane, fd }) => [laneName(lane), fd]))
  for (const lane of hooks.flatMap(everyLaneOf)) {
    const array = arrayOf(shared, lane.hook)
    const fd = byName.get(laneName(lane))
    if (!array) continue
    if (fd === undefined) remove(array, slotKey(generation, lane))
    else update(array, slotKey(generation, lane), indexKey(fd))
  }
}

/** The id of the program in a lane; undefined where the lane is empty. */
export function programInSlot(shared: SharedMaps, generation: number, lane: Lane): number | undefined {
  const array = arrayOf(shared, lane.hook)
  const id = array && lookup(array, slotKey(generation, lane))
  return id && new DataView(id.buffer).getUint32(0, true)
}

/** The one write that every hook turns over by; 0 where nothing is in force. */
export function writeGenerationWord({ maps }: SharedMaps, generation: number): void {
  const map = maps.get(generationMap.name)
  if (!map) throw new RangeError('the generation map was not opened')
  update(map, indexKey(0), new Uint8Array(new BigUint64Array([BigInt(generation)]).buffer))
}
