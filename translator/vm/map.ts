// Maps as the interpreter keeps them. Results of updates are the kernel's: 0 or a negative errno.

import { elementsOf } from '../contents.ts'
import type { MapSpec, MapType } from '../program.ts'
import { VmError } from './error.ts'

export interface VmMap {
  readonly spec: MapSpec
  /** The value itself, not a copy: what a program writes to it stays. A per-CPU array has one CPU. */
  readonly lookup: (key: Uint8Array) => Uint8Array | undefined
  /** 0 or a negative errno. `flags` are BPF_ANY (0), BPF_NOEXIST (1), BPF_EXIST (2). */
  readonly update: (key: Uint8Array, value: Uint8Array, flags?: number) => number
  /** 0 or a negative errno. */
  readonly delete: (key: Uint8Array) => number
  /** Key and value of all elements; of arrays in order. */
  readonly entries: () => (readonly [Uint8Array, Uint8Array])[]
}

const error = { ENOENT: -2, E2BIG: -7, EEXIST: -17, EINVAL: -22 } as const

const ANY = 0
const NOEXIST = 1
const EXIST = 2

const indexOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset).getUint32(0, true)

const indexKey = (index: number): Uint8Array => {
  const key = new Uint8Array(4)
  new DataView(key.buffer).setUint32(0, index, true)
  return key
}

/** ARRAY and PERCPU_ARRAY: all elements exist, with zeros, from the start. Values are made when first asked for. */
const arrayMap = (spec: MapSpec): VmMap => {
  const values = new Map<number, Uint8Array>()
  const at = (index: number): Uint8Array | undefined => {
    if (index >= spec.maxEntries) return undefined
    const value = values.get(index) ?? new Uint8Array(spec.valueSize)
    values.set(index, value)
    return value
  }
  return {
    spec,
    lookup: key => at(indexOf(key)),
    update: (key, value, flags = ANY) => {
      if (flags > EXIST) return error.EINVAL
      const current = at(indexOf(key))
      if (!current) return error.E2BIG
      if (flags === NOEXIST) return error.EEXIST
      current.set(value)
      return 0
    },
    delete: () => error.EINVAL,
    entries: () =>
      Array.from({ length: spec.maxEntries }, (_, index) => [
        indexKey(index),
        values.get(index) ?? new Uint8Array(spec.valueSize),
      ]),
  }
}

const textOf = (key: Uint8Array): string => String.fromCharCode(...key)

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/** The rules of an update that may add an element; an element is replaced, so that pointers to the old one keep it. */
const put = (
  values: Map<string, Uint8Array>,
  spec: MapSpec,
  key: string,
  value: Uint8Array,
  flags: number,
): number => {
  if (flags > EXIST) return error.EINVAL
  const exists = values.has(key)
  if (exists && flags === NOEXIST) return error.EEXIST
  if (!exists && flags === EXIST) return error.ENOENT
  if (!exists && values.size >= spec.maxEntries) return error.E2BIG
  values.set(key, value.slice())
  return 0
}

const hashMap = (spec: MapSpec): VmMap => {
  const values = new Map<string, Uint8Array>()
  return {
    spec,
    lookup: key => values.get(textOf(key)),
    update: (key, value, flags = ANY) => put(values, spec, textOf(key), value, flags),
    delete: key => (values.delete(textOf(key)) ? 0 : error.ENOENT),
    entries: () => [...values].map(([key, value]) => [bytesOf(key), value]),
  }
}

/** A trie key {u32 prefixlen; u8 data[]} with the bits behind the prefix cleared. */
const prefixKey = (key: Uint8Array, length: number): string => {
  const masked = key.slice()
  new DataView(masked.buffer).setUint32(0, length, true)
  for (let bit = length; bit < (key.length - 4) * 8; bit++) {
    const at = 4 + (bit >> 3)
    masked[at] = (masked[at] ?? 0) & ~(0x80 >> (bit & 7))
  }
  return textOf(masked)
}

/** LPM_TRIE: the longest prefix that the key begins with, and that is no longer than the key's own. */
const trieMap = (spec: MapSpec): VmMap => {
  const values = new Map<string, Uint8Array>()
  const lengths = new Map<number, number>()
  const longest = (spec.keySize - 4) * 8
  const count = (length: number, change: number): void => {
    lengths.set(length, (lengths.get(length) ?? 0) + change)
  }
  return {
    spec,
    lookup: key => {
      if (indexOf(key) > longest) return undefined
      const present = [...lengths].filter(([length, elements]) => elements > 0 && length <= indexOf(key))
      for (const [length] of present.sort(([a], [b]) => b - a)) {
        const value = values.get(prefixKey(key, length))
        if (value) return value
      }
      return undefined
    },
    update: (key, value, flags = ANY) => {
      const length = indexOf(key)
      if (length > longest) return error.EINVAL
      const before = values.size
      const result = put(values, spec, prefixKey(key, length), value, flags)
      count(length, values.size - before)
      return result
    },
    delete: key => {
      const length = indexOf(key)
      if (length > longest) return error.EINVAL
      if (!values.delete(prefixKey(key, length))) return error.ENOENT
      count(length, -1)
      return 0
    },
    entries: () => [...values].map(([key, value]) => [bytesOf(key), value]),
  }
}

/** PROG_ARRAY: programs cannot see what it holds; which program a slot has is the interpreter's business. */
const programArray = (spec: MapSpec): VmMap => ({
  spec,
  lookup: () => undefined,
  update: () => error.EINVAL,
  delete: () => error.EINVAL,
  entries: () => [],
})

const makers = {
  ARRAY: arrayMap,
  PERCPU_ARRAY: arrayMap,
  HASH: hashMap,
  LPM_TRIE: trieMap,
  PROG_ARRAY: programArray,
} as const satisfies Record<MapType, (spec: MapSpec) => VmMap>

/**
 * A map with the contents its spec gives.
 * @throws VmError ERR_VM_ARGUMENT for contents that do not fit
 */
export const newMap = (spec: MapSpec): VmMap => {
  const map = makers[spec.type](spec)
  for (const { key, value } of spec.contents ? elementsOf(spec.contents) : []) {
    const fits = key.length === spec.keySize && value.length === spec.valueSize
    const result = fits ? map.update(key, value) : error.EINVAL
    if (result !== 0) throw new VmError('ERR_VM_ARGUMENT', `contents of map ${spec.name}: errno ${-result}`)
  }
  return map
}
