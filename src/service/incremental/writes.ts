// The maps of the blocks of the programs in force: read and written by key.

import { deleteElement, lookupElement, updateElement } from '../../kernel/sys/map.ts'
import { close, type FileDescriptor, mapById } from '../../kernel/sys/object.ts'
import type { EditIndex } from './index-file.ts'
import type { MapWrite } from './journal.ts'

/** Counter index and action, as dispatchValue writes them. */
const VALUE_SIZE = 8

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** Maps of blocks, opened when first asked for. */
export interface BlockMaps {
  /** The value of a key; null where there is none. Keys and values are hexadecimal digits. */
  read(lane: number, map: string, key: string): string | null
  write(write: Pick<MapWrite, 'lane' | 'map' | 'key' | 'value'>): void
}

/** Lends the maps. Throws SystemError where one is gone. */
export function withBlockMaps<T>({ lanes }: EditIndex, body: (maps: BlockMaps) => T): T {
  const opened = new Map<number, FileDescriptor>()
  const descriptor = (lane: number, map: string): number => {
    const id = lanes[lane]?.maps.get(map) ?? 0
    const fd = opened.get(id) ?? mapById(id)
    opened.set(id, fd)
    return fd
  }
  try {
    return body({
      read(lane, map, key) {
        const value = Buffer.alloc(VALUE_SIZE)
        return lookupElement(descriptor(lane, map), bytesOf(key), value) ? value.toString('hex') : null
      },
      write({ lane, map, key, value }) {
        if (value === null) deleteElement(descriptor(lane, map), bytesOf(key))
        else updateElement(descriptor(lane, map), bytesOf(key), bytesOf(value))
      },
    })
  } finally {
    for (const fd of opened.values()) close(fd)
  }
}

/** Writes all; where a map does not take one, all are put back to what they were, and what it threw is thrown. */
export function writeAll(maps: BlockMaps, writes: readonly MapWrite[]): void {
  try {
    for (const write of writes) maps.write(write)
  } catch (error) {
    for (const { before, ...write } of writes) maps.write({ ...write, value: before })
    throw error
  }
}
