// Every key is found in one of its two buckets, and nothing else anywhere.

import test from 'ava'
import {
  bucketSize,
  bucketsOf,
  buildHashTable,
  type Entries,
  findIn,
  type HashTable,
  hashOf,
} from '../../../translator/tree/hash-table.ts'

/** Keys made of words of 32 bits; the value of each is its number. */
function entriesOf(keys: readonly (readonly number[])[], keySize: number): Entries {
  const words = new Uint32Array((keys.length * keySize) / 4)
  for (const [index, key] of keys.entries()) words.set(key, (index * keySize) / 4)
  const values = new Uint32Array(keys.flatMap((_, index) => [index, 0]))
  return {
    count: keys.length,
    keySize,
    keys: new Uint8Array(words.buffer),
    values: new Uint8Array(values.buffer),
  }
}

const keyAt = ({ keys, keySize }: Entries, index: number): Uint8Array =>
  keys.slice(index * keySize, (index + 1) * keySize)

function find({ buckets, bytes }: HashTable, key: Uint8Array): number | undefined {
  const size = bucketSize(key.length)
  for (const bucket of bucketsOf(hashOf(key), buckets)) {
    const value = findIn(bytes.slice(bucket * size, (bucket + 1) * size), key)
    if (value) return new Uint32Array(value.slice().buffer)[0]
  }
  return undefined
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const sets: Readonly<Record<string, readonly [keys: readonly (readonly number[])[], keySize: number]>> = {
  none: [[], 8],
  'the key of zeros': [[[0, 0]], 8],
  'one key': [[[7, 0]], 8],
  'addresses in a row': [numbers(20_000).map(at => [0x0a00_0000 + at, 0]), 8],
  'every 256th address': [numbers(20_000).map(at => [256 * at, 0]), 8],
  'pairs of networks, alike but for their first bytes': [
    numbers(16_384).map(at => [((at & 127) << 24) >>> 0, ((at >> 7) << 24) >>> 0]),
    8,
  ],
  'long keys that differ at their ends': [numbers(5_000).map(at => [at, 0, 0, 0, 0, 0, 0, 0, 0, at % 3]), 40],
}

for (const [name, [keys, keySize]] of Object.entries(sets))
  test(name, t => {
    const entries = entriesOf(keys, keySize)
    const table = buildHashTable(entries) ?? t.fail()
    if (!table) return
    t.is(table.bytes.length, table.buckets * bucketSize(keySize))
    t.true(table.buckets <= Math.max(2, keys.length), 'it grows little')
    for (const index of numbers(keys.length)) t.is(find(table, keyAt(entries, index)), index)
    const known = new Set(keys.map(key => key.join()))
    for (const word of numbers(3_000)) {
      const key = Array.from({ length: keySize / 4 }, (_, at) => (at === 0 ? word : 0))
      const bytes = entriesOf([key], keySize).keys
      const shorter = keys.some(other => other.length < key.length)
      if (!known.has((shorter ? key.slice(0, keys[0]?.length) : key).join()))
        t.is(find(table, bytes), undefined)
    }
  })

test('the same keys make the same table', t => {
  const entries = entriesOf(
    numbers(1_000).map(at => [at * 65_537, at]),
    8,
  )
  t.deepEqual(buildHashTable(entries), buildHashTable(entries))
})
