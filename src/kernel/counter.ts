// Reading packet and byte counters: a PERCPU_ARRAY whose value is { u64 packets; u64 bytes }. What a look-up
// copies out for one slot is that value once per possible CPU:
//
//   | packets, bytes (cpu 0) | packets, bytes (cpu 1) | …

import { readFileSync } from 'node:fs'
import { indexKey, type MapHandle } from './map.ts'
import { ENOTSUPP, errno } from './sys/error.ts'
import { systemError } from './sys/libc.ts'
import { lookupBatch, lookupElement } from './sys/map.ts'

/** Sums over all CPUs, by slot. */
export interface Counters {
  readonly packets: BigUint64Array
  readonly bytes: BigUint64Array
}

/** 32-bit words of one CPU's value: packets low, high, bytes low, high. */
const words = 4

/** The largest number in a list like `0-3,8`, plus one: how many CPUs per-CPU values have room for. */
export const countCpus = (list: string): number => {
  const last = /(\d+)\s*$/.exec(list)?.[1]
  if (last === undefined) throw new Error(`not a list of CPUs: ${list}`)
  return Number(last) + 1
}

let cpus: number | undefined

/** The number of CPUs the kernel has room for, which is how many values a per-CPU look-up returns. */
export const possibleCpus = (): number => {
  cpus ??= countCpus(readFileSync('/sys/devices/system/cpu/possible', 'utf8'))
  return cpus
}

/** Adds the 64-bit number at `from` of `addend` to the one at `to` of `sum`, both as two words, low first. */
const add64 = (sum: Uint32Array, to: number, addend: Uint32Array, from: number): void => {
  const low = (sum[to] ?? 0) + (addend[from] ?? 0)
  const carry = low > 0xffffffff ? 1 : 0
  sum[to] = low
  sum[to + 1] = (sum[to + 1] ?? 0) + (addend[from + 1] ?? 0) + carry
}

/** Sums `count` slots of values as the kernel copied them out into `into` from slot `first` on. */
export const sumCounters = (
  values: Uint32Array,
  count: number,
  cpuCount: number,
  into: Counters,
  first: number,
): void => {
  const packets = new Uint32Array(into.packets.buffer)
  const bytes = new Uint32Array(into.bytes.buffer)
  for (let value = 0; value < count * cpuCount; value += 1) {
    const to = (first + Math.floor(value / cpuCount)) * 2
    add64(packets, to, values, value * words)
    add64(bytes, to, values, value * words + 2)
  }
}

/** About this many bytes are copied out by one call. */
const chunkBytes = 1 << 22

interface Reading {
  readonly map: MapHandle
  readonly cpuCount: number
  readonly into: Counters
}

/** Reads everything with batches; false where the kernel has none for this map type (before 5.13). */
const readBatches = ({ map, cpuCount, into }: Reading): boolean => {
  const total = into.packets.length
  const chunk = Math.min(total, Math.max(1, Math.floor(chunkBytes / (cpuCount * words * 4))))
  const values = new Uint32Array(chunk * cpuCount * words)
  const batch = { keys: new Uint8Array(chunk * 4), values: new Uint8Array(values.buffer), count: chunk }
  const position = new Uint8Array(4)
  for (let first = 0; first < total; ) {
    const { count, errno: number } = lookupBatch(map.fd, first === 0 ? undefined : position, position, batch)
    if (number === ENOTSUPP || number === errno.EINVAL) return false
    if (number !== 0 && number !== errno.ENOENT)
      throw systemError({ syscall: 'bpf', command: 'BPF_MAP_LOOKUP_BATCH', purpose: 'read counters' }, number)
    sumCounters(values, count, cpuCount, into, first)
    first += count
    if (number === errno.ENOENT) break
  }
  return true
}

const readEach = ({ map, cpuCount, into }: Reading): void => {
  const values = new Uint32Array(cpuCount * words)
  for (let slot = 0; slot < into.packets.length; slot += 1) {
    if (lookupElement(map.fd, indexKey(slot), new Uint8Array(values.buffer)))
      sumCounters(values, 1, cpuCount, into, slot)
  }
}

/** The counters of all slots of a PERCPU_ARRAY with values of 16 bytes. */
export const readCounters = (map: MapHandle): Counters => {
  const { maxEntries } = map.spec
  const into = { packets: new BigUint64Array(maxEntries), bytes: new BigUint64Array(maxEntries) }
  const reading = { map, cpuCount: possibleCpus(), into }
  if (!readBatches(reading)) readEach(reading)
  return into
}

/** What one slot of such an array has counted. */
export const readCounter = (map: MapHandle, slot: number): { packets: bigint; bytes: bigint } => {
  const cpuCount = possibleCpus()
  const values = new Uint32Array(cpuCount * words)
  const into = { packets: new BigUint64Array(1), bytes: new BigUint64Array(1) }
  if (lookupElement(map.fd, indexKey(slot), new Uint8Array(values.buffer)))
    sumCounters(values, 1, cpuCount, into, 0)
  return { packets: into.packets[0] ?? 0n, bytes: into.bytes[0] ?? 0n }
}
