// C structs as tables of named fields at byte offsets, written to and read from little-endian bytes. Offsets are
// spelled out, not computed, so that a table can be held next to pahole's output; test/kernel/sys.test.ts holds
// them against the running kernel's BTF.

import { addressOf } from './libc.ts'

export type Field =
  | { readonly kind: 'u16' | 'u32' | 's32' | 'u64'; readonly offset: number }
  /** A pointer as __aligned_u64. */
  | { readonly kind: 'pointer'; readonly offset: number }
  /** A NUL-terminated char array of `length` bytes. */
  | { readonly kind: 'text'; readonly offset: number; readonly length: number }

export type Fields = Readonly<Record<string, Field>>

export interface Layout<F extends Fields> {
  /** Bytes. */
  readonly size: number
  readonly fields: F
}

export const u16 = (offset: number) => ({ kind: 'u16', offset }) as const
export const u32 = (offset: number) => ({ kind: 'u32', offset }) as const
export const s32 = (offset: number) => ({ kind: 's32', offset }) as const
export const u64 = (offset: number) => ({ kind: 'u64', offset }) as const
export const pointer = (offset: number) => ({ kind: 'pointer', offset }) as const
export const text = (offset: number, length: number) => ({ kind: 'text', offset, length }) as const

export const layout = <F extends Fields>(size: number, fields: F): Layout<F> => ({ size, fields })

type Written = {
  u16: number
  u32: number
  s32: number
  u64: bigint
  pointer: NodeJS.ArrayBufferView
  text: string
}
type Read = { u16: number; u32: number; s32: number; u64: bigint; pointer: bigint; text: string }

/** What a struct is written from; fields left out are zero. */
export type Values<F extends Fields> = { readonly [K in keyof F]?: Written[F[K]['kind']] | undefined }

/** What is read from a struct. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: Read[F[K]['kind']] }

/** A struct ready for the kernel, with the buffers its pointers point to, which must outlive the call. */
export interface Struct {
  readonly bytes: Uint8Array
  readonly pointers: readonly NodeJS.ArrayBufferView[]
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const writeText = (bytes: Uint8Array, field: Extract<Field, { kind: 'text' }>, value: string): void => {
  const encoded = new TextEncoder().encode(value)
  if (encoded.length >= field.length) throw new RangeError(`name too long: ${value}`)
  bytes.set(encoded, field.offset)
}

const readText = (bytes: Uint8Array, field: Extract<Field, { kind: 'text' }>): string => {
  const characters = bytes.subarray(field.offset, field.offset + field.length)
  const end = characters.indexOf(0)
  return new TextDecoder().decode(end < 0 ? characters : characters.subarray(0, end))
}

const writeField = (bytes: Uint8Array, field: Field, value: Written[Field['kind']]): void => {
  const view = viewOf(bytes)
  if (field.kind === 'text') writeText(bytes, field, String(value))
  else if (typeof value === 'object') view.setBigUint64(field.offset, addressOf(value), true)
  else if (field.kind === 'u64') view.setBigUint64(field.offset, BigInt(value), true)
  else if (field.kind === 'u16') view.setUint16(field.offset, Number(value), true)
  else view.setUint32(field.offset, Number(value), true)
}

const readField = (bytes: Uint8Array, field: Field): Read[Field['kind']] => {
  const view = viewOf(bytes)
  switch (field.kind) {
    case 'u16':
      return view.getUint16(field.offset, true)
    case 'u32':
      return view.getUint32(field.offset, true)
    case 's32':
      return view.getInt32(field.offset, true)
    case 'u64':
    case 'pointer':
      return view.getBigUint64(field.offset, true)
    case 'text':
      return readText(bytes, field)
  }
}

/** Writes a struct. */
export const encode = <F extends Fields>(struct: Layout<F>, values: Values<F>): Struct => {
  const bytes = new Uint8Array(struct.size)
  const pointers: NodeJS.ArrayBufferView[] = []
  for (const [name, value] of Object.entries(values)) {
    const field = struct.fields[name]
    if (field === undefined || value === undefined) continue
    writeField(bytes, field, value)
    if (typeof value === 'object') pointers.push(value)
  }
  return { bytes, pointers }
}

/** Reads a struct of at least its layout's size. */
export const decode = <F extends Fields>(struct: Layout<F>, bytes: Uint8Array): Decoded<F> =>
  Object.fromEntries(
    Object.entries(struct.fields).map(([name, field]) => [name, readField(bytes, field)]),
  ) as Decoded<F>
