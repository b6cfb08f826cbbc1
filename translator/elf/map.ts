// Maps in an object file. Most stand in `.maps`, each as a variable whose type says what the map is like:
//
//   struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 4); … } name SEC(".maps");
//
// where __uint(name, value) declares a member `name`, a pointer to an array of `value` ints. A map whose value
// instructions address directly stands in a section `.data.<name>` of its own, of which libbpf makes an array of one
// entry; that is also the only way to give a map contents.

import type { TypeId } from '../btf/type.ts'
import type { BtfWriter } from '../btf/writer.ts'
import { type MapSpec, mapTypeNumber, type ProgramSpec } from '../program.ts'
import type { ElfSymbol, Section } from './container.ts'
import { ObjectError } from './error.ts'

/** How a map is written. */
export type MapPlace = 'declared' | 'data section'

export interface PlacedMap {
  readonly map: MapSpec
  readonly place: MapPlace
}

const sameMap = (a: MapSpec, b: MapSpec): boolean =>
  a.type === b.type &&
  a.keySize === b.keySize &&
  a.valueSize === b.valueSize &&
  a.maxEntries === b.maxEntries &&
  a.flags === b.flags

/** How instructions use maps: by which kinds of relocation, by map name. */
const usesOf = (programs: readonly ProgramSpec[]): Map<string, Set<'map' | 'map-value'>> => {
  const uses = new Map<string, Set<'map' | 'map-value'>>()
  for (const { functions } of programs)
    for (const { instructions } of functions)
      for (const { relocation } of instructions) {
        if (relocation?.kind !== 'map' && relocation?.kind !== 'map-value') continue
        const kinds = uses.get(relocation.map) ?? new Set()
        uses.set(relocation.map, kinds.add(relocation.kind))
      }
  return uses
}

const refuseContents = (map: MapSpec): never => {
  throw new ObjectError(
    'ERR_ELF_CONTENTS',
    `map ${map.name} (${map.type.toLowerCase()}) needs ${map.contents?.count} entries before use, which no object file can give it`,
    'load the rules with bpftables itself, or convert them to a listing',
  )
}

const placeOf = (map: MapSpec, uses: ReadonlySet<'map' | 'map-value'>): MapPlace => {
  if (!uses.has('map-value')) return map.contents && map.contents.count > 0 ? refuseContents(map) : 'declared'
  if (map.type !== 'ARRAY' || map.maxEntries !== 1)
    throw new ObjectError('ERR_ELF_MAP', `map ${map.name} is addressed directly but is no array of one entry`)
  if (uses.has('map'))
    throw new ObjectError('ERR_ELF_MAP', `map ${map.name} is both addressed directly and looked up`)
  return 'data section'
}

/**
 * All maps of the programs, those of one name once, and where to write each.
 * @throws ObjectError ERR_ELF_MAP where programs disagree about a map, ERR_ELF_CONTENTS for contents that cannot be given
 */
export const placeMaps = (programs: readonly ProgramSpec[]): PlacedMap[] => {
  const uses = usesOf(programs)
  const maps = new Map<string, MapSpec>()
  for (const map of programs.flatMap(program => program.maps)) {
    const known = maps.get(map.name)
    if (known && !sameMap(known, map))
      throw new ObjectError('ERR_ELF_MAP', `two different maps are called ${map.name}`)
    maps.set(map.name, known ?? map)
  }
  return [...maps.values()].map(map => ({ map, place: placeOf(map, uses.get(map.name) ?? new Set()) }))
}

/** A pointer takes 8 bytes, and so does the symbol's share of the section per member. */
const POINTER = 8

const addDeclaration = (btf: BtfWriter, map: MapSpec): { type: TypeId; size: number } => {
  const int = btf.add({ kind: 'int', name: 'int', size: 4, signed: true })
  const facts = {
    type: mapTypeNumber[map.type],
    key_size: map.keySize,
    value_size: map.valueSize,
    max_entries: map.maxEntries,
    map_flags: map.flags,
  }
  const members = Object.entries(facts).map(([name, length], index) => {
    const array = btf.add({ kind: 'array', type: int, indexType: int, length })
    return { name, type: btf.add({ kind: 'ptr', type: array }), offset: index * POINTER }
  })
  const size = members.length * POINTER
  const struct = btf.add({ kind: 'struct', name: '', size, members })
  return { type: btf.add({ kind: 'var', name: map.name, type: struct, linkage: 'global' }), size }
}

export interface Written {
  readonly sections: readonly Section[]
  readonly symbols: readonly ElfSymbol[]
}

const writeDeclared = (btf: BtfWriter, maps: readonly MapSpec[]): Written => {
  if (maps.length === 0) return { sections: [], symbols: [] }
  const symbols: ElfSymbol[] = []
  const variables: { type: TypeId; offset: number; size: number }[] = []
  let offset = 0
  for (const map of maps) {
    const { type, size } = addDeclaration(btf, map)
    variables.push({ type, offset, size })
    symbols.push({ name: map.name, kind: 'object', section: '.maps', offset, size })
    offset += size
  }
  btf.add({ kind: 'datasec', name: '.maps', size: offset, variables })
  return {
    sections: [{ name: '.maps', kind: 'data', bytes: new Uint8Array(offset), relocations: [] }],
    symbols,
  }
}

const writeData = (map: MapSpec): Written => {
  const name = `.data.${map.name}`
  const bytes = map.contents?.values ?? new Uint8Array(map.valueSize)
  return {
    sections: [{ name, kind: 'data', bytes, relocations: [] }],
    symbols: [{ name: map.name, kind: 'object', section: name, offset: 0, size: bytes.length }],
  }
}

/** The sections and symbols of maps; their types are added to `btf`. */
export const writeMaps = (btf: BtfWriter, maps: readonly PlacedMap[]): Written => {
  const declared = writeDeclared(
    btf,
    maps.filter(({ place }) => place === 'declared').map(({ map }) => map),
  )
  const data = maps.filter(({ place }) => place === 'data section').map(({ map }) => writeData(map))
  return {
    sections: [...declared.sections, ...data.flatMap(({ sections }) => sections)],
    symbols: [...declared.symbols, ...data.flatMap(({ symbols }) => symbols)],
  }
}
