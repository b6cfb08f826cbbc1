// Reads what tests want to know of an object file; written apart from the writer, against elf(5).

export interface ReadSection {
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly bytes: Buffer
}

export interface ReadSymbol {
  readonly name: string
  readonly type: number
  readonly binding: number
  readonly section: string
  readonly value: number
  readonly size: number
}

export interface ReadRelocation {
  readonly section: string
  readonly offset: number
  readonly type: number
  readonly symbol: string
}

export interface ReadObject {
  readonly machine: number
  readonly sections: readonly ReadSection[]
  readonly symbols: readonly ReadSymbol[]
  readonly relocations: readonly ReadRelocation[]
}

const text = (bytes: Buffer, offset: number): string =>
  bytes.toString('latin1', offset, bytes.indexOf(0, offset))

export const readElf = (data: Uint8Array): ReadObject => {
  const file = Buffer.from(data)
  const u64 = (at: number): number => Number(file.readBigUInt64LE(at))
  const headers = Array.from(
    { length: file.readUInt16LE(60) },
    (_, index) => u64(40) + index * file.readUInt16LE(58),
  )
  const raw = headers.map(at => ({
    name: file.readUInt32LE(at),
    type: file.readUInt32LE(at + 4),
    flags: u64(at + 8),
    bytes: file.subarray(u64(at + 24), u64(at + 24) + u64(at + 32)),
    info: file.readUInt32LE(at + 44),
  }))
  const names = raw[file.readUInt16LE(62)]?.bytes ?? Buffer.alloc(1)
  const sections = raw.map(section => ({ ...section, name: text(names, section.name) }))
  const symtab = sections.find(({ type }) => type === 2)?.bytes ?? Buffer.alloc(0)
  const symbols = Array.from({ length: symtab.length / 24 }, (_, index) => ({
    name: text(names, symtab.readUInt32LE(index * 24)),
    type: symtab.readUInt8(index * 24 + 4) & 15,
    binding: symtab.readUInt8(index * 24 + 4) >> 4,
    section: sections[symtab.readUInt16LE(index * 24 + 6)]?.name ?? '?',
    value: Number(symtab.readBigUInt64LE(index * 24 + 8)),
    size: Number(symtab.readBigUInt64LE(index * 24 + 16)),
  }))
  const relocations = sections
    .filter(({ type }) => type === 9)
    .flatMap(({ bytes, info }) =>
      Array.from({ length: bytes.length / 16 }, (_, index) => ({
        section: sections[info]?.name ?? '?',
        offset: Number(bytes.readBigUInt64LE(index * 16)),
        type: bytes.readUInt32LE(index * 16 + 8),
        symbol: symbols[bytes.readUInt32LE(index * 16 + 12)]?.name ?? '?',
      })),
    )
  return { machine: file.readUInt16LE(18), sections, symbols, relocations }
}
