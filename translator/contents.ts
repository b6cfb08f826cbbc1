// What a map holds before its program is attached. Its keys stand one after the other and so do its values, as the kernel's
// batches take them: a million elements are two buffers.

export interface MapContents {
  readonly count: number
  /** Keys and values as the kernel lays them out. */
  readonly keys: Uint8Array
  readonly values: Uint8Array
}

export interface MapElement {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Contents of a few elements; all keys are of one size, and so are all values. */
export const contentsOf = (elements: readonly MapElement[]): MapContents => ({
  count: elements.length,
  keys: Uint8Array.from(elements.flatMap(({ key }) => [...key])),
  values: Uint8Array.from(elements.flatMap(({ value }) => [...value])),
})

/** The elements one by one, as views of the contents. */
export function* elementsOf({ count, keys, values }: MapContents): Generator<MapElement> {
  const [keySize, valueSize] = [keys.length / count, values.length / count]
  for (let index = 0; index < count; index++)
    yield {
      key: keys.subarray(index * keySize, (index + 1) * keySize),
      value: values.subarray(index * valueSize, (index + 1) * valueSize),
    }
}
