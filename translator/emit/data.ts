// Rows of numbers that code reads where they lie: all of a program's in the one value of one map, since a program may have no more than 64 maps.

import type { MapSpec } from '../program.ts'

/** A place in the one value of a map. */
export interface DataPlace {
  readonly map: string
  /** A multiple of 8. */
  readonly offset: number
}

/** What is gathered while a program is emitted. */
export interface Data {
  /** Where these bytes will lie. */
  place(bytes: Uint8Array): DataPlace
  /** Where the next ones will. */
  readonly size: number
  /** The map; none where there are no bytes. */
  readonly maps: readonly MapSpec[]
}

/** `map` is the name of the map. */
export function createData(map: string): Data {
  const parts: { readonly bytes: Uint8Array; readonly offset: number }[] = []
  let size = 0
  return {
    place(bytes) {
      const offset = size
      parts.push({ bytes, offset })
      size += Math.ceil(bytes.length / 8) * 8
      return { map, offset }
    },
    get size() {
      return size
    },
    get maps() {
      if (size === 0) return []
      const value = new Uint8Array(size)
      for (const { bytes, offset } of parts) value.set(bytes, offset)
      return [{ ...oneValue({ size, bytes: value }), name: map }]
    },
  }
}

/** The one value of a map; without bytes it is that of a map which is there already. */
export interface Value {
  readonly size: number
  readonly bytes?: Uint8Array
}

/** An array of the one value, but for its name. */
export const oneValue = ({ size, bytes }: Value): Omit<MapSpec, 'name'> => ({
  type: 'ARRAY',
  keySize: 4,
  valueSize: size,
  maxEntries: 1,
  flags: 0,
  shared: false,
  ...(bytes && { contents: { count: 1, keys: new Uint8Array(4), values: bytes } }),
})
