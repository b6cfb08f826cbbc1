// Setting packet and byte counters; counter.ts draws how they lie.

import { possibleCpus } from './counter.ts'
import { indexKey, type MapHandle, update } from './map.ts'

/** What a slot is to hold in all. */
export interface CounterValue {
  readonly packets: bigint
  readonly bytes: bigint
}

/** Sets slots of a PERCPU_ARRAY with values of 16 bytes: the first CPU gets all, the others nothing. */
export const writeCounters = (map: MapHandle, values: Iterable<readonly [number, CounterValue]>): void => {
  const words = new BigUint64Array(2 * possibleCpus())
  const value = new Uint8Array(words.buffer)
  for (const [slot, { packets, bytes }] of values) {
    words[0] = packets
    words[1] = bytes
    update(map, indexKey(slot), value)
  }
}
