// A hash table that code looks up without a call: buckets of two entries, each key in one of the two that its hash names (cuckoo hashing with
// buckets, Dietzfelbinger and Weidling 2007). So no look-up reads more than two buckets, whatever the keys.
//
//   bucket    entry | entry              entry    key, a multiple of 8 bytes | value, 8 bytes
//
// The hash begins as the upper half of sum(word * multiplier) modulo 2^64, over the words of 32 bits of a key (multilinear hashing, Lemire and
// Kaser 2014): two keys, however alike, have the same one as seldom as chance would. Then its upper bits are mixed into the lower ones and back, or
// keys in a row would crowd in a few buckets. A bucket's number is the upper half of hash * buckets, that of the other one of hash * SECOND * buckets.
//
// An entry that is free holds a key whose buckets are others, so no key is found there.

/** Bytes. */
export const VALUE_SIZE = 8
const ENTRIES = 2
/** From the hash to the one that names the other bucket: its lower half times this. */
export const SECOND = 0x9e37_79b1

/** The hash is shifted and added to itself without carry, multiplied, and shifted and added again. */
export const mixing = { before: 16, factor: 0x85eb_ca6b, behind: 13 } as const
/** The share of entries in use that building begins with; from nine in ten on it would fail. */
const LOAD = 0.75
const MOST_GROWTHS = 8
const MOST_MOVES = 500

export const bucketSize = (keySize: number): number => ENTRIES * (keySize + VALUE_SIZE)

/** Where the entries of a bucket begin. */
export const entryOffsets = (keySize: number): readonly number[] =>
  Array.from({ length: ENTRIES }, (_, entry) => entry * (keySize + VALUE_SIZE))

/** Both halves of the multiplier of a word, from its number: steps of an additive sequence, mixed (SplitMix64's golden ratio; the mixer is MurmurHash3's). */
export function multiplierOf(word: number): readonly [low: number, high: number] {
  const half = (step: number): number => {
    let mixed = Math.imul(step, 0x9e37_79b9)
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
  return [(half(2 * word + 1) | 1) >>> 0, half(2 * word + 2)]
}

/** The upper half of a product of two numbers of 32 bits. */
const upperHalf = (a: number, b: number): number =>
  Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 0x1_0000)) / 0x1_0000)

/** The hash of the key that begins at a word, of 32 bits. */
function hashAt(words: Uint32Array, at: number, multipliers: Uint32Array): number {
  let low = 0
  let high = 0
  for (let index = 0; 2 * index < multipliers.length; index++) {
    const lower = multipliers[2 * index] ?? 0
    const upper = multipliers[2 * index + 1] ?? 0
    const word = words[at + index] ?? 0
    low += Math.imul(word, lower) >>> 0
    high = (high + Math.imul(word, upper) + upperHalf(word, lower)) | 0
    if (low >= 2 ** 32) {
      low -= 2 ** 32
      high = (high + 1) | 0
    }
  }
  return mixed(high)
}

function mixed(hash: number): number {
  const product = Math.imul(hash ^ (hash >>> mixing.before), mixing.factor)
  return (product ^ (product >>> mixing.behind)) >>> 0
}

/** Both halves of the multiplier of each word, the lower first. */
const multipliersOf = (keySize: number): Uint32Array =>
  Uint32Array.from(Array.from({ length: keySize / 4 }, (_, word) => multiplierOf(word)).flat())

/** As the kernel has it in memory: little-endian wherever this runs. */
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer)

/** The hash of a key. */
export const hashOf = (key: Uint8Array): number => hashAt(wordsOf(key), 0, multipliersOf(key.length))

/** The buckets that a key of a hash may be in, of so many. */
export const bucketsOf = (hash: number, buckets: number): readonly [number, number] => [
  firstBucket(hash, buckets),
  secondBucket(hash, buckets),
]

const firstBucket = (hash: number, buckets: number): number => upperHalf(hash, buckets)

const secondBucket = (hash: number, buckets: number): number =>
  upperHalf(Math.imul(hash, SECOND) >>> 0, buckets)

/** Keys and values one after the other, as map contents have them; no key twice. */
export interface Entries {
  readonly count: number
  readonly keySize: number
  readonly keys: Uint8Array
  readonly values: Uint8Array
}

export interface HashTable {
  readonly buckets: number
  /** The buckets one after the other. */
  readonly bytes: Uint8Array
}

/** Undefined where it cannot be built: more than four keys of one hash, which is next to impossible. */
export function buildHashTable(entries: Entries): HashTable | undefined {
  const { count, keySize, keys } = entries
  const words = wordsOf(keys)
  const multipliers = multipliersOf(keySize)
  const hashes = new Uint32Array(count)
  for (let key = 0; key < count; key++) hashes[key] = hashAt(words, (key * keySize) / 4, multipliers)
  let buckets = Math.max(2, Math.ceil(count / ENTRIES / LOAD))
  for (let growth = 0; growth < MOST_GROWTHS; growth++) {
    const places = placeAll(hashes, buckets)
    if (places) return { buckets, bytes: writeBuckets(entries, places, buckets) }
    buckets = Math.ceil(buckets * 1.5)
  }
  return undefined
}

const FREE = -1

/** Of each entry of each bucket the number of its key, or FREE. Undefined where one finds no place. */
function placeAll(hashes: Uint32Array, buckets: number): Int32Array | undefined {
  const places = new Int32Array(ENTRIES * buckets).fill(FREE)
  // which entry makes room is as good as random: in turn, they would go round in circles
  let drawn = 1
  for (let key = 0; key < hashes.length; key++) {
    let homeless = key
    const hash = hashes[key] ?? 0
    let here = firstBucket(hash, buckets)
    let there = secondBucket(hash, buckets)
    for (let moves = 0; ; moves++) {
      let free = freeIn(places, here)
      if (free === FREE) free = freeIn(places, there)
      if (free !== FREE) {
        places[free] = homeless
        break
      }
      if (moves === MOST_MOVES) return undefined
      // one of those in the other bucket makes room, and goes on to its own other one
      drawn = (Math.imul(drawn, 0x19_660d) + 0x3c6e_f35f) >>> 0
      const at = ENTRIES * there + upperHalf(drawn, ENTRIES)
      const moved = places[at] ?? FREE
      places[at] = homeless
      homeless = moved
      const own = hashes[moved] ?? 0
      const first = firstBucket(own, buckets)
      here = there
      there = first === there ? secondBucket(own, buckets) : first
    }
  }
  return places
}

/** A free entry of a bucket, or FREE where there is none. */
function freeIn(places: Int32Array, bucket: number): number {
  for (let at = ENTRIES * bucket; at < ENTRIES * (bucket + 1); at++) if (places[at] === FREE) return at
  return FREE
}

function writeBuckets({ keySize, keys, values }: Entries, places: Int32Array, buckets: number): Uint8Array {
  const bytes = new Uint8Array(buckets * bucketSize(keySize))
  const stride = keySize + VALUE_SIZE
  // word by word: a view of each key would take longer than to copy it
  const [into, keyWords, valueWords] = [new Uint32Array(bytes.buffer), wordsOf(keys), wordsOf(values)]
  const [perKey, perValue] = [keySize / 4, VALUE_SIZE / 4]
  for (let place = 0; place < places.length; place++) {
    const key = places[place] ?? FREE
    if (key === FREE) continue
    const at = (place * stride) / 4
    for (let word = 0; word < perKey; word++) into[at + word] = keyWords[key * perKey + word] ?? 0
    for (let word = 0; word < perValue; word++)
      into[at + perKey + word] = valueWords[key * perValue + word] ?? 0
  }
  // the key of zeros has hash 0, and so belongs to the first bucket alone
  const other = keyElsewhere(keySize, buckets)
  for (let place = 0; place < ENTRIES; place++) if (places[place] === FREE) bytes.set(other, place * stride)
  return bytes
}

/** A key that does not belong into the first bucket. */
function keyElsewhere(keySize: number, buckets: number): Uint8Array {
  const key = new Uint8Array(keySize)
  const view = new DataView(key.buffer)
  for (let candidate = 1; ; candidate++) {
    view.setUint32(0, candidate, true)
    if (!bucketsOf(hashOf(key), buckets).includes(0)) return key
  }
}

/** The value of a key, if the bucket holds it. */
export function findIn(bucket: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const at = entryOffsets(key.length).find(offset =>
    key.every((byte, index) => bucket[offset + index] === byte),
  )
  return at === undefined ? undefined : bucket.slice(at + key.length, at + key.length + VALUE_SIZE)
}
