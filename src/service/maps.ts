// The maps of programs: shared ones are found by their pins or made, the others are made for each program.

import { mkdirSync } from 'node:fs'
import type { MapSpec, ProgramSpec } from '../../translator/program.ts'
import { createMap, type MapHandle, openPinnedMap } from '../kernel/map.ts'
import { pin } from '../kernel/pin.ts'
import { mapById } from '../kernel/sys/object.ts'
import type { MadeAhead } from './ahead.ts'
import type { Keep } from './descriptors.ts'
import { mapDirectory, mapPin } from './pins.ts'
import type { Settings } from './settings.ts'

export interface SharedMaps {
  readonly maps: ReadonlyMap<string, MapHandle>
  /** Names of those that were made just now: they hold zeros. */
  readonly made: ReadonlySet<string>
}

/** What to do about a shared map that is not there: make and pin it, make it for this process only, or do without. */
export type Missing = 'pin' | 'make' | 'skip'

/** Opens shared maps by their pins. Of those that are not there, some may have been made ahead. */
export function openSharedMaps(
  settings: Settings,
  specs: Iterable<MapSpec>,
  missing: Missing,
  keep: Keep,
  ahead?: MadeAhead,
): SharedMaps {
  const maps = new Map<string, MapHandle>()
  const made = new Set<string>()
  for (const spec of specs) {
    if (!spec.shared || maps.has(spec.name)) continue
    const known = openPinnedMap(spec, mapPin(settings, spec.name))
    if (!known && missing === 'skip') continue
    const map = keep(known ?? ahead?.take(spec.name) ?? createMap(spec))
    maps.set(spec.name, map)
    if (known) continue
    made.add(spec.name)
    if (missing === 'pin') pinMap(settings, map)
  }
  return { maps, made }
}

function pinMap(settings: Settings, { fd, spec }: MapHandle): void {
  mkdirSync(mapDirectory(settings), { recursive: true })
  pin(fd, mapPin(settings, spec.name))
}

/** Ids of maps in force that take the place of those a program would be given, by the program's lane and the map's name there. */
export type KeptMaps = ReadonlyMap<string, ReadonlyMap<string, number>>

/** All maps of one program by name: the shared ones, those it has together with others, and its own, made and filled unless they are `kept`. */
export function mapsOf(
  spec: ProgramSpec,
  shared: SharedMaps,
  together: Map<string, MapHandle>,
  keep: Keep,
  kept: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, MapHandle> {
  const make = (map: MapSpec): MapHandle => {
    const id = kept.get(map.name)
    if (id !== undefined) return keep({ fd: mapById(id), spec: map })
    const handle = (map.together && together.get(map.name)) || keep(createMap(map))
    if (map.together) together.set(map.name, handle)
    return handle
  }
  const own = spec.maps.filter(map => !map.shared)
  return new Map([...shared.maps, ...own.map(map => [map.name, make(map)] as const)])
}
