// The maps of programs: shared ones are found by their pins or made, the others are made for each program.

import { mkdirSync } from 'node:fs'
import type { MapSpec, ProgramSpec } from '../../translator/program.ts'
import { createMap, type MapHandle, openPinnedMap } from '../kernel/map.ts'
import { pin } from '../kernel/pin.ts'
import { mapById } from '../kernel/sys/object.ts'
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

/** Opens shared maps by their pins. */
export function openSharedMaps(
  settings: Settings,
  specs: Iterable<MapSpec>,
  missing: Missing,
  keep: Keep,
): SharedMaps {
  const maps = new Map<string, MapHandle>()
  const made = new Set<string>()
  for (const spec of specs) {
    if (!spec.shared || maps.has(spec.name)) continue
    const known = openPinnedMap(spec, mapPin(settings, spec.name))
    if (!known && missing === 'skip') continue
    maps.set(spec.name, keep(known ?? makeMap(settings, spec, missing)))
    if (!known) made.add(spec.name)
  }
  return { maps, made }
}

function makeMap(settings: Settings, spec: MapSpec, missing: Missing): MapHandle {
  const map = createMap(spec)
  if (missing === 'pin') {
    mkdirSync(mapDirectory(settings), { recursive: true })
    pin(map.fd, mapPin(settings, spec.name))
  }
  return map
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
