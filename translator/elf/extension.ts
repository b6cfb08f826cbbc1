// The section .BTF.ext: for each code section, which function starts where, which line of source an instruction
// comes from (the rule, for us), and what libbpf has to fill in from the types of the running kernel.
// Source: Documentation/bpf/btf.rst, section 4; tools/lib/bpf/relo_core.h.
//
//   header   0 magic u16 | 2 version u8 | 3 flags u8 | 4 hdr_len u32 | 8 six words: offset and length of each part
//   part     record size u32, then per section: name u32 | number of records u32 | records

import type { TypeId } from '../btf/type.ts'
import { type BtfWriter, btfMagic } from '../btf/writer.ts'

export interface FunctionRecord {
  /** Bytes from the start of the section, as in all records. */
  readonly offset: number
  readonly type: TypeId
}

export interface LineRecord {
  readonly offset: number
  readonly file: string
  readonly text: string
  readonly line: number
}

export interface CoreRecord {
  readonly offset: number
  readonly type: TypeId
  readonly access: string
  readonly kind: keyof typeof coreKind
}

export interface SectionRecords {
  readonly section: string
  readonly functions: readonly FunctionRecord[]
  readonly lines: readonly LineRecord[]
  readonly core: readonly CoreRecord[]
}

/** BPF_CORE_FIELD_BYTE_OFFSET, BPF_CORE_FIELD_EXISTS, BPF_CORE_TYPE_ID_TARGET, BPF_CORE_TYPE_SIZE and BPF_CORE_ENUMVAL_VALUE. */
const coreKind = {
  'field offset': 0,
  'field exists': 2,
  'type id': 7,
  'type size': 9,
  'enum value': 11,
} as const

/** line_col: the line in the upper 22 bits. */
const lineWord = (line: number): number => (Math.min(line, 0x3f_ffff) << 10) >>> 0

/** BTF strings are ASCII here: a comment in another script shows as its code points. */
const printable = (text: string): string =>
  Array.from(text, character => {
    const code = character.codePointAt(0) ?? 0
    return code >= 0x20 && code < 0x7f ? character : `\\u{${code.toString(16)}}`
  }).join('')

interface Part {
  readonly recordSize: number
  readonly recordsOf: (records: SectionRecords) => readonly (readonly number[])[]
}

const parts = (btf: BtfWriter): readonly Part[] => [
  { recordSize: 8, recordsOf: ({ functions }) => functions.map(({ offset, type }) => [offset, type]) },
  {
    recordSize: 16,
    recordsOf: ({ lines }) =>
      lines.map(({ offset, file, text, line }) => [
        offset,
        btf.string(printable(file)),
        btf.string(printable(text)),
        lineWord(line),
      ]),
  },
  {
    recordSize: 16,
    recordsOf: ({ core }) =>
      core.map(({ offset, type, access, kind }) => [offset, type, btf.string(access), coreKind[kind]]),
  },
]

const partWords = (
  btf: BtfWriter,
  { recordSize, recordsOf }: Part,
  all: readonly SectionRecords[],
): number[] => {
  const words = [recordSize]
  for (const section of all) {
    const records = recordsOf(section)
    if (records.length === 0) continue
    words.push(btf.string(section.section), records.length)
    for (const record of records) words.push(...record)
  }
  return words.length === 1 ? [] : words
}

const headerBytes = 32

/** The bytes of .BTF.ext. Adds strings to `btf`, so ask for its bytes afterwards. */
export const writeExtension = (btf: BtfWriter, all: readonly SectionRecords[]): Uint8Array => {
  const words = parts(btf).map(part => partWords(btf, part, all))
  const body = words.flat()
  const bytes = new Uint8Array(headerBytes + body.length * 4)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, btfMagic, true)
  view.setUint8(2, 1)
  view.setUint32(4, headerBytes, true)
  let offset = 0
  for (const [index, { length }] of words.entries()) {
    view.setUint32(8 + index * 8, offset, true)
    view.setUint32(12 + index * 8, length * 4, true)
    offset += length * 4
  }
  for (const [index, word] of body.entries()) view.setUint32(headerBytes + index * 4, word, true)
  return bytes
}
