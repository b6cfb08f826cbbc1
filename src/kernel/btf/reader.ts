// Reads BTF blobs in place. A kernel's BTF has more than 100,000 types, of which we ask for a dozen: so no
// objects are made of them, only an index of where each begins.
// Source: Documentation/bpf/btf.rst; the layout is drawn in translator/btf/writer.ts.

import { kindNumber, type TypeId } from '../../../translator/btf/type.ts'
import { btfHeaderSize, btfMagic } from '../../../translator/btf/writer.ts'

/** A blob with its index. A module's BTF is split: its ids and strings go on where those of `base` end. */
export interface Btf {
  readonly view: DataView
  readonly strings: Buffer
  /** Where each type begins, in bytes from the start of the blob; index 0 is the blob's first type. */
  readonly offsets: Uint32Array
  /** The name of each type, as an offset in all strings. */
  readonly names: Uint32Array
  readonly firstId: TypeId
  readonly firstString: number
  readonly base: Btf | undefined
  /** Where among the strings the name of the function stands that was found last. */
  lastFunction: number
}

export type Kind = keyof typeof kindNumber

/** Bytes that follow the 12 of a type's head: `each` times vlen, and `once`. */
const tail: Readonly<Record<Kind, { readonly each: number; readonly once: number }>> = {
  int: { each: 0, once: 4 },
  ptr: { each: 0, once: 0 },
  array: { each: 0, once: 12 },
  struct: { each: 12, once: 0 },
  union: { each: 12, once: 0 },
  enum: { each: 8, once: 0 },
  fwd: { each: 0, once: 0 },
  typedef: { each: 0, once: 0 },
  volatile: { each: 0, once: 0 },
  const: { each: 0, once: 0 },
  restrict: { each: 0, once: 0 },
  func: { each: 0, once: 0 },
  func_proto: { each: 8, once: 0 },
  var: { each: 0, once: 4 },
  datasec: { each: 12, once: 0 },
  float: { each: 0, once: 0 },
  decl_tag: { each: 0, once: 4 },
  type_tag: { each: 0, once: 0 },
  enum64: { each: 12, once: 0 },
}

/** `tail` by kind number, for the loop over all types; a kind newer than us has no place in it. */
const each = new Uint8Array(32)
const once = new Uint8Array(32).fill(0xff)
for (const [kind, bytes] of Object.entries(tail)) {
  each[kindNumber[kind as Kind]] = bytes.each
  once[kindNumber[kind as Kind]] = bytes.once
}

const headSize = 12

type TypeIndex = Pick<Btf, 'offsets' | 'names'>

/** Walks all types from `start` to `end`, in words of 32 bits, which they are made of. */
const indexTypes = (bytes: Uint8Array, start: number, end: number): TypeIndex => {
  const words = wordsOf(bytes.subarray(start, end))
  const offsets = new Uint32Array(words.length / (headSize / 4))
  const names = new Uint32Array(offsets.length)
  let count = 0
  for (let at = 0; at < words.length; count += 1) {
    offsets[count] = start + at * 4
    names[count] = words[at] ?? 0
    const info = words[at + 1] ?? 0
    const kind = (info >>> 24) & 0x1f
    const extra = once[kind] ?? 0xff
    if (extra === 0xff) throw new Error(`BTF has a type of kind ${kind}, which is not known here`)
    at += (headSize + extra + (each[kind] ?? 0) * (info & 0xffff)) / 4
  }
  return { offsets: offsets.subarray(0, count), names: names.subarray(0, count) }
}

/** On the little-endian machines that Node runs on (sys/bpf.ts). */
const wordsOf = (bytes: Uint8Array): Uint32Array => {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Uint32Array(buffer, byteOffset, length / 4)
}

/** Indexes a blob; `base` is vmlinux's where it is a module's. */
export const readBtf = (bytes: Uint8Array, base?: Btf): Btf => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < btfHeaderSize || view.getUint16(0, true) !== btfMagic) throw new Error('not BTF')
  const body = view.getUint32(4, true)
  const types = body + view.getUint32(8, true)
  const strings = body + view.getUint32(16, true)
  return {
    view,
    strings: Buffer.from(bytes.buffer, bytes.byteOffset + strings, view.getUint32(20, true)),
    ...indexTypes(bytes, types, types + view.getUint32(12, true)),
    firstId: base === undefined ? 1 : base.firstId + base.offsets.length,
    firstString: base === undefined ? 0 : base.firstString + base.strings.length,
    base,
    lastFunction: 0,
  }
}

/** A type's head and where what follows it begins. */
export interface Type {
  readonly kind: number
  readonly vlen: number
  readonly kindFlag: boolean
  readonly name: number
  readonly sizeOrType: number
  readonly view: DataView
  readonly tail: number
}

/** The type of an id; undefined for void and for ids past the end. */
export const typeOf = (btf: Btf, id: TypeId): Type | undefined => {
  if (id < btf.firstId) return btf.base && typeOf(btf.base, id)
  const offset = btf.offsets[id - btf.firstId]
  if (offset === undefined) return undefined
  const info = btf.view.getUint32(offset + 4, true)
  return {
    kind: (info >>> 24) & 0x1f,
    vlen: info & 0xffff,
    kindFlag: info >>> 31 === 1,
    name: btf.view.getUint32(offset, true),
    sizeOrType: btf.view.getUint32(offset + 8, true),
    view: btf.view,
    tail: offset + headSize,
  }
}

/** The names of functions are sorted, so those of BPF's stand together. */
const NEAR = 1 << 16

/** Where a name between two others begins; each stands there once. */
const findName = (btf: Btf, kind: Kind, name: string): number | undefined => {
  const sought = `\0${name}\0`
  const found = (kind === 'func' && findNear(btf, sought)) || btf.strings.indexOf(sought, 'latin1')
  if (found < 0) return undefined
  if (kind === 'func') btf.lastFunction = found
  return found + 1
}

const findNear = ({ strings, lastFunction }: Btf, sought: string): number | undefined => {
  const start = Math.max(0, lastFunction - NEAR)
  const found = strings.subarray(start, lastFunction + NEAR).indexOf(sought, 'latin1')
  return found < 0 ? undefined : start + found
}

/** The offset of a name in the string section; undefined where no type can have it. */
const nameOffset = (btf: Btf, kind: Kind, name: string): number | undefined => {
  const inBase = btf.base && nameOffset(btf.base, kind, name)
  if (inBase !== undefined) return inBase
  const found = findName(btf, kind, name)
  if (found !== undefined) return btf.firstString + found
  // A module's strings do not begin with an empty one.
  const first = btf.base !== undefined && btf.strings.indexOf(`${name}\0`, 'latin1') === 0
  return first ? btf.firstString : undefined
}

/** Whether that is the name at an offset: most are not, which their first letters tell without a string being made of them. */
export const isNamed = (btf: Btf, offset: number, name: string): boolean => {
  if (offset < btf.firstString && btf.base) return isNamed(btf.base, offset, name)
  const start = offset - btf.firstString
  for (let at = 0; at < name.length; at++) if (btf.strings[start + at] !== name.charCodeAt(at)) return false
  return btf.strings[start + name.length] === 0
}

/** The first type of that kind and name in this blob, its base not included. */
export const findType = (btf: Btf, kind: Kind, name: string): TypeId | undefined => {
  const wanted = nameOffset(btf, kind, name)
  if (wanted === undefined) return undefined
  const { view, offsets, names } = btf
  for (let at = names.indexOf(wanted); at >= 0; at = names.indexOf(wanted, at + 1)) {
    const info = view.getUint32((offsets[at] ?? 0) + 4, true)
    if (((info >>> 24) & 0x1f) === kindNumber[kind]) return btf.firstId + at
  }
  return undefined
}
