// Writes BTF, the type format programs and maps carry. Pure: the same types in the same order give the same bytes.
// Source: Documentation/bpf/btf.rst, include/uapi/linux/btf.h.
//
//   header  0 magic u16 0xeb9f | 2 version u8 1 | 3 flags u8 | 4 hdr_len u32 24
//           8 type_off u32 | 12 type_len u32 | 16 str_off u32 | 20 str_len u32     (offsets from the header's end)
//   type    0 name_off u32 | 4 info u32 | 8 size or type u32, then what the kind adds
//   info    bits 0..15 vlen | 24..28 kind | 31 kind_flag

import { stringTable } from './string.ts'
import { type BtfType, kindNumber, linkageNumber, type TypeId } from './type.ts'

export const btfMagic = 0xeb9f
export const btfHeaderSize = 24

export interface BtfWriter {
  /** The id of the type; an equal type added before is found again. */
  readonly add: (type: BtfType) => TypeId
  /** The offset of a string in the string section, for .BTF.ext. */
  readonly string: (text: string) => number
  readonly bytes: () => Uint8Array
}

type Words = readonly number[]

const head = (name: number, kind: BtfType['kind'], vlen: number, sizeOrType: number, flag = 0): Words => [
  name,
  ((flag << 31) | (kindNumber[kind] << 24) | vlen) >>> 0,
  sizeOrType,
]

/** The `btf_int` word: bit 24 says signed, bits 0..7 how many bits there are. */
const intWord = (size: number, signed: boolean): number => (signed ? 1 << 24 : 0) | (size * 8)

/** The 32-bit words of one type. */
const words = (type: BtfType, string: (text: string) => number): Words => {
  switch (type.kind) {
    case 'int':
      return [...head(string(type.name), 'int', 0, type.size), intWord(type.size, type.signed)]
    case 'ptr':
    case 'const':
    case 'volatile':
      return head(0, type.kind, 0, type.type)
    case 'typedef':
      return head(string(type.name), 'typedef', 0, type.type)
    case 'array':
      return [...head(0, 'array', 0, 0), type.type, type.indexType, type.length]
    case 'struct':
    case 'union':
      return [
        ...head(string(type.name), type.kind, type.members.length, type.size),
        ...type.members.flatMap(member => [string(member.name), member.type, member.offset * 8]),
      ]
    case 'enum':
      return [
        ...head(string(type.name), 'enum', type.values.length, 4),
        ...type.values.flatMap(value => [string(value.name), value.value >>> 0]),
      ]
    case 'fwd':
      return head(string(type.name), 'fwd', 0, 0, type.union ? 1 : 0)
    case 'func_proto':
      return [
        ...head(0, 'func_proto', type.parameters.length, type.result),
        ...type.parameters.flatMap(parameter => [string(parameter.name), parameter.type]),
      ]
    case 'func':
      return head(string(type.name), 'func', linkageNumber[type.linkage], type.type)
    case 'var':
      return [...head(string(type.name), 'var', 0, type.type), linkageNumber[type.linkage]]
    case 'datasec':
      return [
        ...head(string(type.name), 'datasec', type.variables.length, type.size),
        ...type.variables.flatMap(variable => [variable.type, variable.offset, variable.size]),
      ]
  }
}

const assemble = (types: readonly number[], strings: Uint8Array): Uint8Array => {
  const typeBytes = types.length * 4
  const bytes = new Uint8Array(btfHeaderSize + typeBytes + strings.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, btfMagic, true)
  view.setUint8(2, 1)
  const rest = [btfHeaderSize, 0, typeBytes, typeBytes, strings.length]
  rest.forEach((word, index) => {
    view.setUint32(4 + index * 4, word, true)
  })
  types.forEach((word, index) => {
    view.setUint32(btfHeaderSize + index * 4, word, true)
  })
  bytes.set(strings, btfHeaderSize + typeBytes)
  return bytes
}

/** An empty BTF blob to add types to. */
export const btfWriter = (): BtfWriter => {
  const strings = stringTable()
  const known = new Map<string, TypeId>()
  const written: number[] = []
  return {
    add: type => {
      const encoded = words(type, strings.offset)
      const key = encoded.join()
      const id = known.get(key) ?? known.size + 1
      if (!known.has(key)) written.push(...encoded)
      known.set(key, id)
      return id
    },
    string: strings.offset,
    bytes: () => assemble(written, strings.bytes()),
  }
}
