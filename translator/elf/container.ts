// The ELF container: sections, symbols and relocations to the bytes of a relocatable object.
// Source: elf(5), the generic ABI; Documentation/bpf/llvm_reloc.rst for BPF's relocation types.
//
//   ELF header (64 bytes) | section contents, each aligned | section headers (64 bytes each)
//
// Sections are numbered: 0 none, then those given, then a .rel section for each that has relocations, .symtab, .strtab.

import { stringTable } from '../btf/string.ts'

export type SectionKind = 'code' | 'data' | 'read-only data' | 'metadata'

/** A reference from a section to a symbol. */
export interface ElfRelocation {
  /** Bytes from the section's start. */
  readonly offset: number
  readonly type: 'address' | 'call'
  readonly symbol: string
}

export interface Section {
  readonly name: string
  readonly kind: SectionKind
  readonly bytes: Uint8Array
  readonly relocations: readonly ElfRelocation[]
}

export interface ElfSymbol {
  readonly name: string
  readonly kind: 'function' | 'object' | 'extern'
  /** The section it lies in; none for an extern. */
  readonly section?: string
  readonly offset: number
  readonly size: number
}

const headerSize = 64
const symbolSize = 24
const relocationSize = 16

const machineBpf = 247
const typeRelocatable = 1

const sectionType = { progbits: 1, symtab: 2, strtab: 3, rel: 9 } as const

const sectionFlags: Readonly<Record<SectionKind, number>> = {
  code: 0x6, // alloc, execute
  data: 0x3, // alloc, write
  'read-only data': 0x2,
  metadata: 0,
}

/** R_BPF_64_64 and R_BPF_64_32. */
const relocationType = { address: 1, call: 10 } as const

/** STT_FUNC, STT_OBJECT and STT_NOTYPE, all with STB_GLOBAL in the upper half. */
const symbolInfo = { function: 0x12, object: 0x11, extern: 0x10 } as const

/** A section as the file has it. */
interface Entry {
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly link: number
  readonly info: number
  readonly entrySize: number
  readonly bytes: Uint8Array
}

const aligned = (offset: number): number => (offset + 7) & ~7

const symbolTable = (
  symbols: readonly ElfSymbol[],
  nameOffset: (name: string) => number,
  sectionIndex: ReadonlyMap<string, number>,
): Uint8Array => {
  const bytes = new Uint8Array(symbolSize * (symbols.length + 1))
  const view = new DataView(bytes.buffer)
  for (const [index, symbol] of symbols.entries()) {
    const at = symbolSize * (index + 1)
    view.setUint32(at, nameOffset(symbol.name), true)
    view.setUint8(at + 4, symbolInfo[symbol.kind])
    view.setUint16(at + 6, sectionIndex.get(symbol.section ?? '') ?? 0, true)
    view.setBigUint64(at + 8, BigInt(symbol.offset), true)
    view.setBigUint64(at + 16, BigInt(symbol.size), true)
  }
  return bytes
}

const relocationTable = (
  relocations: readonly ElfRelocation[],
  symbolIndex: ReadonlyMap<string, number>,
): Uint8Array => {
  const bytes = new Uint8Array(relocationSize * relocations.length)
  const view = new DataView(bytes.buffer)
  for (const [index, { offset, type, symbol }] of relocations.entries()) {
    const number = symbolIndex.get(symbol)
    if (number === undefined) throw new RangeError(`no symbol ${symbol}`)
    view.setBigUint64(relocationSize * index, BigInt(offset), true)
    view.setUint32(relocationSize * index + 8, relocationType[type], true)
    view.setUint32(relocationSize * index + 12, number, true)
  }
  return bytes
}

const writeHeader = (view: DataView, sectionHeaders: number, count: number): void => {
  const identification = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] // ELF, 64 bits, little endian, version 1
  for (const [at, byte] of identification.entries()) view.setUint8(at, byte)
  view.setUint16(16, typeRelocatable, true)
  view.setUint16(18, machineBpf, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(40, BigInt(sectionHeaders), true)
  view.setUint16(52, headerSize, true)
  view.setUint16(58, headerSize, true)
  view.setUint16(60, count, true)
  view.setUint16(62, count - 1, true)
}

const writeSectionHeader = (view: DataView, at: number, entry: Entry, name: number, offset: number): void => {
  view.setUint32(at, name, true)
  view.setUint32(at + 4, entry.type, true)
  view.setBigUint64(at + 8, BigInt(entry.flags), true)
  view.setBigUint64(at + 24, BigInt(offset), true)
  view.setBigUint64(at + 32, BigInt(entry.bytes.length), true)
  view.setUint32(at + 40, entry.link, true)
  view.setUint32(at + 44, entry.info, true)
  view.setBigUint64(at + 48, 8n, true)
  view.setBigUint64(at + 56, BigInt(entry.entrySize), true)
}

const layOut = (entries: readonly Entry[], nameOffset: (name: string) => number): Uint8Array => {
  const offsets: number[] = []
  let end = headerSize
  for (const { bytes } of entries) {
    offsets.push(aligned(end))
    end = aligned(end) + bytes.length
  }
  const headers = aligned(end)
  const file = new Uint8Array(headers + headerSize * (entries.length + 1))
  const view = new DataView(file.buffer)
  writeHeader(view, headers, entries.length + 1)
  for (const [index, entry] of entries.entries()) {
    const offset = offsets[index] ?? 0
    file.set(entry.bytes, offset)
    writeSectionHeader(view, headers + headerSize * (index + 1), entry, nameOffset(entry.name), offset)
  }
  return file
}

/** The bytes of a relocatable ELF64 object for BPF. The last section holds the names of sections and symbols. */
export const writeElf = (sections: readonly Section[], symbols: readonly ElfSymbol[]): Uint8Array => {
  const names = stringTable()
  const sectionIndex = new Map(sections.map(({ name }, index) => [name, index + 1]))
  const symbolIndex = new Map(symbols.map(({ name }, index) => [name, index + 1]))
  const related = sections.filter(({ relocations }) => relocations.length > 0)
  const symtab = sections.length + related.length + 1
  const plain = { link: 0, info: 0, entrySize: 0 }
  const entries: Entry[] = [
    ...sections.map(({ name, kind, bytes }) => ({
      ...plain,
      name,
      type: sectionType.progbits,
      flags: sectionFlags[kind],
      bytes,
    })),
    ...related.map(({ name, relocations }) => ({
      name: `.rel${name}`,
      type: sectionType.rel,
      flags: 0,
      link: symtab,
      info: sectionIndex.get(name) ?? 0,
      entrySize: relocationSize,
      bytes: relocationTable(relocations, symbolIndex),
    })),
    {
      name: '.symtab',
      type: sectionType.symtab,
      flags: 0,
      link: symtab + 1,
      info: 1, // the first global symbol; the only local one is the null symbol
      entrySize: symbolSize,
      bytes: symbolTable(symbols, names.offset, sectionIndex),
    },
  ]
  for (const { name } of entries) names.offset(name)
  names.offset('.strtab')
  const strtab = { ...plain, name: '.strtab', type: sectionType.strtab, flags: 0, bytes: names.bytes() }
  return layOut([...entries, strtab], names.offset)
}
