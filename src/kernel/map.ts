// Maps: made from their spec, filled, and found again by their pins.

import { elementsOf, type MapContents } from '../../translator/contents.ts'
import { type MapSpec, mapTypeNumber } from '../../translator/program.ts'
import { KernelError } from './error.ts'
import { explainFailure } from './feature.ts'
import { openPin, pin } from './pin.ts'
import { ENOTSUPP, errno } from './sys/error.ts'
import { systemError } from './sys/libc.ts'
import {
  createMap as createKernelMap,
  createMapLater as createKernelMapLater,
  deleteElement,
  lookupElement,
  nextKey,
  updateBatch,
  updateElement,
  type updateFlag,
} from './sys/map.ts'
import { close, type FileDescriptor, mapInfoOf } from './sys/object.ts'

/** A map this process holds open. */
export interface MapHandle {
  readonly fd: FileDescriptor
  readonly spec: MapSpec
}

/** Elements per batch call: a bounded amount of memory, and of time without preemption in the kernel. */
const batchSize = 1 << 16

/** PROG_ARRAY never has batches, LPM_TRIE and per-CPU arrays only on newer kernels; the answer is one of these. */
const lacksBatches = (number: number): boolean =>
  number === ENOTSUPP || number === errno.EOPNOTSUPP || number === errno.EINVAL

/** Writes elements in bulk. */
export const fillMap = (map: MapHandle, contents: MapContents): void => {
  const { keySize, valueSize, name } = map.spec
  const { count, keys, values } = contents
  if (keys.length !== count * keySize || values.length !== count * valueSize)
    throw new RangeError(`${count} keys or values of other sizes than those of the map ${name}`)
  // what is filled at once needs no copy, which of trees is megabytes
  if (count <= batchSize) return fillBatch(map, contents)
  for (let from = 0; from < count; from += batchSize) {
    const end = Math.min(count, from + batchSize)
    fillBatch(map, {
      count: end - from,
      keys: keys.slice(from * keySize, end * keySize),
      values: values.slice(from * valueSize, end * valueSize),
    })
  }
}

const fillBatch = ({ fd, spec }: MapHandle, batch: MapContents): void => {
  const { errno: number } = updateBatch(fd, batch)
  if (number === 0) return
  if (!lacksBatches(number))
    throw systemError(
      { syscall: 'bpf', command: 'BPF_MAP_UPDATE_BATCH', purpose: `fill map ${spec.name}` },
      number,
    )
  for (const { key, value } of elementsOf(batch)) updateElement(fd, key.slice(), value.slice())
}

/** Makes a map and gives it its contents. The caller closes it. */
export const createMap = (spec: MapSpec): MapHandle => {
  const map = { fd: create(spec), spec }
  try {
    if (spec.contents) fillMap(map, spec.contents)
    return map
  } catch (error) {
    close(map.fd)
    throw error
  }
}

/** Makes a map without contents while others go on; undefined where the kernel will not, of which createMap says why. The caller closes it. */
export const createMapLater = async (spec: MapSpec): Promise<MapHandle | undefined> => {
  const fd = await createKernelMapLater(spec)
  return fd === undefined ? undefined : { fd, spec }
}

const create = (spec: MapSpec): FileDescriptor => {
  try {
    return createKernelMap(spec)
  } catch (error) {
    throw explainFailure(error, { kind: 'map', type: spec.type })
  }
}

/** What of a spec decides whether a map can stand in for another. */
interface Shape {
  readonly type: number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
}

const shapeOf = (spec: MapSpec): Shape => ({
  type: mapTypeNumber[spec.type],
  keySize: spec.keySize,
  valueSize: spec.valueSize,
  maxEntries: spec.maxEntries,
})

const readShape = (fd: FileDescriptor): Shape => {
  const { type, key_size, value_size, max_entries } = mapInfoOf(fd)
  return { type, keySize: key_size, valueSize: value_size, maxEntries: max_entries }
}

const describe = ({ type, keySize, valueSize, maxEntries }: Shape): string =>
  `type ${type}, ${keySize} byte keys, ${valueSize} byte values, ${maxEntries} entries`

const requireSameShape = (path: string, found: Shape, needed: Shape): void => {
  if (describe(found) === describe(needed)) return
  const message = `the map pinned at ${path} has ${describe(found)}; needed: ${describe(needed)}`
  throw new KernelError('ERR_MAP', message, 'It was made by another version; `bpftables detach` removes it.')
}

/** Opens the map pinned at `path`; undefined where nothing is. Throws ERR_MAP where it is not what `spec` says. */
export const openPinnedMap = (spec: MapSpec, path: string): MapHandle | undefined => {
  const fd = openPin(path)
  if (fd === undefined) return undefined
  try {
    requireSameShape(path, readShape(fd), shapeOf(spec))
    return { fd, spec }
  } catch (error) {
    close(fd)
    throw error
  }
}

/** A shared map: the one pinned at `path` with what it holds, or a new one, then pinned there. */
export const sharedMap = (spec: MapSpec, path: string): MapHandle => {
  const known = openPinnedMap(spec, path)
  if (known) return known
  const map = createMap(spec)
  pin(map.fd, path)
  return map
}

export const closeMap = (map: MapHandle): void => close(map.fd)

/** The value of a key, undefined where there is none. Not for per-CPU maps. */
export const lookup = (map: MapHandle, key: Uint8Array): Uint8Array | undefined => {
  const value = new Uint8Array(map.spec.valueSize)
  return lookupElement(map.fd, key, value) ? value : undefined
}

/** Writes one element; `flags` is one of `updateFlag`. */
export const update = (
  map: MapHandle,
  key: Uint8Array,
  value: Uint8Array,
  flags?: (typeof updateFlag)[keyof typeof updateFlag],
): void => updateElement(map.fd, key, value, flags)

/** False where there was nothing to delete. */
export const remove = (map: MapHandle, key: Uint8Array): boolean => deleteElement(map.fd, key)

/** The keys of a map, in the kernel's order; one call per key. */
export function* keys(map: MapHandle): Generator<Uint8Array> {
  let key: Uint8Array | undefined
  for (;;) {
    const next = new Uint8Array(map.spec.keySize)
    if (!nextKey(map.fd, key, next)) return
    yield next
    key = next
  }
}

/** A u32 as a map key: the index of an array. */
export const indexKey = (index: number): Uint8Array => new Uint8Array(new Uint32Array([index]).buffer)
