// The map commands of bpf(2). Keys and values are bytes as the kernel lays them out.

import { type MapSpec, mapTypeNumber } from '../../../translator/program.ts'
import { mapBatch, mapCreate, mapElement } from './attribute.ts'
import { bpf, bpfFinds, bpfLater, tryBpf } from './bpf.ts'
import { decode, encode, type Struct } from './layout.ts'
import type { FileDescriptor } from './object.ts'

/** An update only where the key is not there yet, or only where it is (BPF_NOEXIST, BPF_EXIST). */
export const updateFlag = { any: 0n, noexist: 1n, exist: 2n } as const

const creation = (spec: MapSpec): Struct =>
  encode(mapCreate, {
    map_type: mapTypeNumber[spec.type],
    key_size: spec.keySize,
    value_size: spec.valueSize,
    max_entries: spec.maxEntries,
    map_flags: spec.flags,
    map_name: spec.name,
  })

export const createMap = (spec: MapSpec): FileDescriptor =>
  bpf('BPF_MAP_CREATE', creation(spec), `create map ${spec.name}`)

/** The same in a thread of its own; undefined where the kernel will not. */
export const createMapLater = (spec: MapSpec): Promise<FileDescriptor | undefined> =>
  bpfLater('BPF_MAP_CREATE', creation(spec))

/** Reads the value of `key` into `value`; false where there is none. */
export const lookupElement = (fd: FileDescriptor, key: Uint8Array, value: Uint8Array): boolean =>
  bpfFinds('BPF_MAP_LOOKUP_ELEM', encode(mapElement, { map_fd: fd, key, value }), 'read a map')

export const updateElement = (
  fd: FileDescriptor,
  key: Uint8Array,
  value: Uint8Array,
  flags: bigint = updateFlag.any,
): void => {
  bpf('BPF_MAP_UPDATE_ELEM', encode(mapElement, { map_fd: fd, key, value, flags }), 'write to a map')
}

/** False where there was nothing to delete. */
export const deleteElement = (fd: FileDescriptor, key: Uint8Array): boolean =>
  bpfFinds('BPF_MAP_DELETE_ELEM', encode(mapElement, { map_fd: fd, key }), 'delete from a map')

/** Writes the key after `key` (the first one for undefined) into `next`; false at the end. */
export const nextKey = (fd: FileDescriptor, key: Uint8Array | undefined, next: Uint8Array): boolean =>
  bpfFinds('BPF_MAP_GET_NEXT_KEY', encode(mapElement, { map_fd: fd, key, value: next }), 'walk a map')

/** Keys and values of `count` elements, one after the other. */
export interface Batch {
  readonly keys: Uint8Array
  readonly values: Uint8Array
  readonly count: number
}

export interface BatchResult {
  /** Elements done. */
  readonly count: number
  /** Zero, or the errno that ended the batch: ENOENT at the end of the map, ENOTSUPP where the map has no batches. */
  readonly errno: number
}

const batch = (command: 'BPF_MAP_LOOKUP_BATCH' | 'BPF_MAP_UPDATE_BATCH', attribute: Struct): BatchResult => {
  const result = tryBpf(command, attribute)
  return { count: decode(mapBatch, attribute.bytes).count, errno: result < 0 ? -result : 0 }
}

/**
 * Reads up to `into.count` elements. `position` is opaque and of the key's size (at least 4 bytes): what the
 * call before wrote into `next`, undefined to begin.
 */
export const lookupBatch = (
  fd: FileDescriptor,
  position: Uint8Array | undefined,
  next: Uint8Array,
  into: Batch,
): BatchResult =>
  batch(
    'BPF_MAP_LOOKUP_BATCH',
    encode(mapBatch, {
      in_batch: position,
      out_batch: next,
      keys: into.keys,
      values: into.values,
      count: into.count,
      map_fd: fd,
    }),
  )

export const updateBatch = (fd: FileDescriptor, from: Batch): BatchResult =>
  batch(
    'BPF_MAP_UPDATE_BATCH',
    encode(mapBatch, { keys: from.keys, values: from.values, count: from.count, map_fd: fd }),
  )
