// Counter arrays that are made while the rules are translated. The kernel takes a microsecond for each counter, since it allocates each apart, for all CPUs
// (bpf_array_alloc_percpu, kernel/bpf/arraymap.c), and does so in a thread that waits for nothing.

import type { CounterArray } from '../../translator/counter.ts'
import { counterMap } from '../../translator/emit/count.ts'
import type { MapSpec } from '../../translator/program.ts'
import { hasRoom } from '../kernel/limit.ts'
import { closeMap, createMapLater, type MapHandle } from '../kernel/map.ts'

/** Maps that are there before they are asked for. */
export interface MadeAhead {
  /** Hands a map over, which is the caller's to close then; undefined where there is none of that name, any more. */
  readonly take: (name: string) => MapHandle | undefined
}

/** Counters from which on it is worth a thread. */
const MANY = 4096

/** Makes arrays while `body` runs, and closes in the end what it did not take. Where one cannot be made, `body` will do without. */
export async function withCountersAhead<T>(
  arrays: readonly CounterArray[],
  body: (made: Promise<MadeAhead>) => Promise<T>,
): Promise<T> {
  const making = makeAll(arrays.filter(({ entries }) => entries >= MANY).map(counterMap))
  const take = (maps: Map<string, MapHandle>, name: string): MapHandle | undefined => {
    const map = maps.get(name)
    maps.delete(name)
    return map
  }
  try {
    return await body(making.then(maps => ({ take: name => take(maps, name) })))
  } finally {
    for (const map of (await making).values()) closeMap(map)
  }
}

async function makeAll(specs: readonly MapSpec[]): Promise<Map<string, MapHandle>> {
  if (specs.length === 0 || !hasRoom(specs)) return new Map()
  const made = await Promise.all(specs.map(createMapLater))
  return new Map(made.flatMap(map => (map ? [[map.spec.name, map] as const] : [])))
}
