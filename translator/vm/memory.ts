// The address space of a program: regions, each at an address of its own.
//
//   address, upper half   REGION + number of the region
//            lower half   START + offset in the region; so a step before the start is seen as one
//
// Regions never touch, so pointer arithmetic cannot lead from one into another.

import { VmError } from './error.ts'
import type { VmMap } from './map.ts'

/** Like the kernel's: with the highest bit set. */
const REGION = 0xffff_8800
const START = 0x1000_0000

/** What a region with fields of its own (a program's context) answers to a load; undefined where it has no such field. */
export interface Fields {
  readonly read: (offset: number, size: number) => Pointer | undefined
  readonly write: (offset: number, size: number, value: number) => boolean
}

/** A 64-bit value by its halves; mostly an address. */
export interface Pointer {
  readonly low: number
  readonly high: number
}

export interface Region {
  readonly name: string
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly writable: boolean
  readonly fields?: Fields
  /** The map this region stands for; it has no bytes. */
  readonly map?: VmMap
}

/** A region and a place in it. */
export interface Place {
  readonly region: Region
  readonly offset: number
}

export const nullPointer: Pointer = { low: 0, high: 0 }

export const newRegion = (name: string, bytes: Uint8Array, writable: boolean): Region => ({
  name,
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  writable,
})

/** A region that is not bytes. */
export const newFieldRegion = (name: string, fields: Fields): Region => ({
  ...newRegion(name, new Uint8Array(0), true),
  fields,
})

export interface Memory {
  /** Give the region an address; the same again for one that has one. */
  readonly map: (region: Region, offset?: number) => Pointer
  /** The region an address lies in or near, undefined for a number that is no address. */
  readonly find: (low: number, high: number) => Place | undefined
}

export const newMemory = (): Memory => {
  const regions: Region[] = []
  const numbers = new Map<Region, number>()
  return {
    map: (region, offset = 0) => {
      const number = numbers.get(region) ?? regions.push(region) - 1
      numbers.set(region, number)
      return { low: START + offset, high: REGION + number }
    },
    find: (low, high) => {
      const region = regions[high - REGION]
      return region && { region, offset: low - START }
    },
  }
}

const hexadecimal = (low: number, high: number): string =>
  `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}`

/**
 * The bytes at an address.
 * @throws VmError ERR_VM_MEMORY where not all `size` bytes are in one region, or must be written and may not
 */
export const requirePlace = (memory: Memory, { low, high }: Pointer, size: number, write = false): Place => {
  const place = memory.find(low, high)
  if (!place) throw new VmError('ERR_VM_MEMORY', `${hexadecimal(low, high)} is no address`)
  const { region, offset } = place
  if (region.fields) return place
  if (offset < 0 || offset + size > region.bytes.length)
    throw new VmError(
      'ERR_VM_MEMORY',
      `${size} bytes at offset ${offset} of ${region.name}, which has ${region.bytes.length}`,
    )
  if (write && !region.writable) throw new VmError('ERR_VM_MEMORY', `${region.name} is read-only`)
  return place
}

/**
 * A copy of the bytes at an address.
 * @throws VmError ERR_VM_MEMORY
 */
export const readBytes = (memory: Memory, pointer: Pointer, size: number): Uint8Array => {
  const { region, offset } = requirePlace(memory, pointer, size)
  return region.bytes.slice(offset, offset + size)
}

/**
 * Put bytes at an address.
 * @throws VmError ERR_VM_MEMORY
 */
export const writeBytes = (memory: Memory, pointer: Pointer, bytes: Uint8Array): void => {
  const { region, offset } = requirePlace(memory, pointer, bytes.length, true)
  if (region.fields) throw new VmError('ERR_VM_MEMORY', `${region.name} does not hold bytes`)
  region.bytes.set(bytes, offset)
}

/** `size` bytes as a number, little endian, zero-extended. */
export const loadNumber = ({ region: { view }, offset }: Place, size: number): Pointer => {
  if (size === 1) return { low: view.getUint8(offset), high: 0 }
  if (size === 2) return { low: view.getUint16(offset, true), high: 0 }
  const low = view.getUint32(offset, true)
  return { low, high: size === 8 ? view.getUint32(offset + 4, true) : 0 }
}

/** The lower `size` bytes of a number, little endian. */
export const storeNumber = (
  { region: { view }, offset }: Place,
  size: number,
  { low, high }: Pointer,
): void => {
  if (size === 1) view.setUint8(offset, low)
  else if (size === 2) view.setUint16(offset, low, true)
  else view.setUint32(offset, low, true)
  if (size === 8) view.setUint32(offset + 4, high, true)
}
