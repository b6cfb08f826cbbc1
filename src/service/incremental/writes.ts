// The maps of the blocks of the programs in force: read and written by key.

import { ABSENT, besideOf, bucketCount, MARKS_SIZE, markOffset } from '../../../translator/emit/look-up.ts'
import { bucketSize, bucketsOf, findIn, hashOf, VALUE_SIZE } from '../../../translator/tree/hash-table.ts'
import { indexKey } from '../../kernel/map.ts'
import { deleteElement, lookupElement, updateElement } from '../../kernel/sys/map.ts'
import { close, type FileDescriptor, mapById } from '../../kernel/sys/object.ts'
import type { EditIndex } from './index-file.ts'
import type { MapWrite } from './journal.ts'

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Maps of blocks, opened when first asked for. */
export interface BlockMaps {
  /** The value of a key; null where there is none. Keys and values are hexadecimal digits. */
  read(lane: number, map: string, key: string): string | null
  write(write: Pick<MapWrite, 'lane' | 'map' | 'key' | 'value'>): void
}

/** What a block is looked up in. */
interface LookUp {
  readonly hash: FileDescriptor
  readonly table?: { readonly buckets: FileDescriptor; readonly edited: FileDescriptor }
}

/** Lends the maps. Throws SystemError where one is gone. */
export function withBlockMaps<T>({ lanes }: EditIndex, body: (maps: BlockMaps) => T): T {
  const opened = new Map<number, FileDescriptor>()
  const open = (id: number): FileDescriptor => {
    const fd = opened.get(id) ?? mapById(id)
    opened.set(id, fd)
    return fd
  }
  const lookUp = (lane: number, map: string): LookUp => {
    const ids = lanes[lane]?.maps
    const beside = besideOf(map)
    const [hash, buckets, edited] = [map, beside.buckets, beside.edited].map(name => ids?.get(name))
    const table = buckets !== undefined && edited !== undefined
    return {
      hash: open(hash ?? 0),
      ...(table && { table: { buckets: open(buckets), edited: open(edited) } }),
    }
  }
  try {
    return body({
      read(lane, map, key) {
        const value = readValue(lookUp(lane, map), bytesOf(key))
        return value ? hexOf(value) : null
      },
      write({ lane, map, key, value }) {
        writeValue(lookUp(lane, map), bytesOf(key), value === null ? undefined : bytesOf(value))
      },
    })
  } finally {
    for (const fd of opened.values()) close(fd)
  }
}

function readValue({ hash, table }: LookUp, key: Uint8Array): Uint8Array | undefined {
  const value = new Uint8Array(VALUE_SIZE)
  if (!lookupElement(hash, key, value)) return table && inTable(table, key)
  return table && isSame(value, absent) ? undefined : value
}

/** In a table's hash map stands what differs from the table. It is asked where the mark is, so that comes last. */
function writeValue({ hash, table }: LookUp, key: Uint8Array, value: Uint8Array | undefined): void {
  const before = table && inTable(table, key)
  if (value === before || (value && before && isSame(value, before))) deleteElement(hash, key)
  else updateElement(hash, key, value ?? absent)
  if (table) mark(table.edited, hashOf(key))
}

/** What the hash map says where an edit took a key away. */
const absent = new Uint8Array(new Uint32Array([0, ABSENT]).buffer)

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

type Table = NonNullable<LookUp['table']>

function inTable({ buckets, edited }: Table, key: Uint8Array): Uint8Array | undefined {
  const count = bucketCount(marksOf(edited))
  for (const number of bucketsOf(hashOf(key), count)) {
    const bucket = new Uint8Array(bucketSize(key.length))
    const value = lookupElement(buckets, indexKey(number), bucket) ? findIn(bucket, key) : undefined
    if (value) return value
  }
  return undefined
}

function marksOf(edited: FileDescriptor): Uint8Array {
  const marks = new Uint8Array(MARKS_SIZE)
  lookupElement(edited, indexKey(0), marks)
  return marks
}

/** Only bytes that were 0 change, each for itself, so it does not matter in which order the kernel copies them. */
function mark(edited: FileDescriptor, hash: number): void {
  const marks = marksOf(edited)
  if (marks[markOffset(hash)] === 1) return
  marks[markOffset(hash)] = 1
  updateElement(edited, indexKey(0), marks)
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
