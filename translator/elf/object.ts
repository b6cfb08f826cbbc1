// Writes programs as a BPF object file, as clang would make it from C: loadable by libbpf 1.1 and later, and so by
// `bpftool prog load`, and for xdp and tc by `ip link` and `tc`.
//
//   xdp, tc, netfilter   the main functions, by hook
//   .text                all other functions
//   .maps, .data.<name>  maps (map.ts)
//   license
//   .BTF, .BTF.ext       types, and for each instruction the rule it serves (extension.ts)
//   .ksyms               in BTF only: the kernel functions that are called

import { encode, SLOT } from '../asm/encode.ts'
import type { Instruction, Relocation } from '../asm/instruction.ts'
import { CallSource, slotsOf } from '../asm/opcode.ts'
import { r0, registerOf } from '../asm/register.ts'
import { addFunction } from '../btf/function.ts'
import type { TypeId } from '../btf/type.ts'
import { type BtfWriter, btfWriter } from '../btf/writer.ts'
import type { FunctionSpec, ProgramSpec, ProgramType } from '../program.ts'
import { type ElfRelocation, type ElfSymbol, type Section, writeElf } from './container.ts'
import { ObjectError } from './error.ts'
import { type CoreRecord, type LineRecord, type SectionRecords, writeExtension } from './extension.ts'
import { addEnumerator, addKfunc, addMemberAccess, addStruct } from './kernel-type.ts'
import { placeMaps, writeMaps } from './map.ts'

export interface ObjectOptions {
  /** The rule table that the origins of instructions index: it becomes the source shown with the program. */
  readonly rules?: readonly string[]
  /** What the source is called. */
  readonly file?: string
}

/** The section a main function stands in; by it libbpf tells the program type. */
const sectionOf: Readonly<Record<ProgramType, string>> = {
  XDP: 'xdp',
  SCHED_CLS: 'tc',
  NETFILTER: 'netfilter',
}

/** A function with its place in the object. */
interface Placed {
  readonly fn: FunctionSpec
  readonly program: ProgramSpec
  /** Unique in the object. */
  readonly symbol: string
  readonly section: string
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/

const requireIdentifier = (name: string): string => {
  if (!identifier.test(name)) throw new ObjectError('ERR_ELF_NAME', `${name} is no C identifier`)
  return name
}

/** Main functions are called as their program, other functions as themselves unless the name is taken. */
const placeFunctions = (programs: readonly ProgramSpec[]): Placed[] => {
  const taken = new Set<string>()
  const claim = (name: string, prefix: string): string => {
    const symbol = taken.has(name) ? `${prefix}_${name}` : name
    if (taken.has(symbol)) throw new ObjectError('ERR_ELF_NAME', `two functions are called ${symbol}`)
    taken.add(symbol)
    return requireIdentifier(symbol)
  }
  const mains = programs.map(program => claim(program.name.replaceAll('-', '_'), sectionOf[program.type]))
  return programs.flatMap((program, at) =>
    program.functions.map((fn, index) => {
      const main = mains[at] ?? program.name
      return index === 0
        ? { fn, program, symbol: main, section: sectionOf[program.type] }
        : { fn, program, symbol: claim(fn.name, main), section: '.text' }
    }),
  )
}

const symbolsOf = (programs: readonly ProgramSpec[], functions: readonly Placed[]): Context['symbols'] =>
  new Map(
    programs.map(program => [
      program,
      new Map(
        functions.filter(place => place.program === program).map(({ fn, symbol }) => [fn.name, symbol]),
      ),
    ]),
  )

/** What the sections are put together from. */
interface Context {
  readonly btf: BtfWriter
  readonly options: ObjectOptions
  readonly functions: readonly Placed[]
  /** The symbol of each program's functions, by their names in the program. */
  readonly symbols: ReadonlyMap<ProgramSpec, ReadonlyMap<string, string>>
  readonly maps: ReadonlyMap<ProgramSpec, ReadonlySet<string>>
}

/** What is left of an instruction for libbpf to fill in: as clang writes it. */
const unlinked = (instruction: Instruction): Instruction => {
  switch (instruction.relocation?.kind) {
    case 'map':
      return { ...instruction, src: r0, immediate: 0n }
    case 'map-value':
      return { ...instruction, src: r0, immediate: BigInt(instruction.relocation.offset) }
    case 'function':
    case 'kfunc':
      return { ...instruction, src: registerOf(CallSource.FUNCTION), immediate: -1 }
    default:
      return instruction
  }
}

const missing = (what: string): never => {
  throw new ObjectError('ERR_ELF_REFERENCE', `the program has no ${what}`)
}

const unsaid = (what: string): never => {
  throw new ObjectError(
    'ERR_ELF_KERNEL_TYPE',
    `no object file can ask the kernel ${what}`,
    'load the rules with bpftables itself',
  )
}

const elfRelocation = (
  context: Context,
  place: Placed,
  offset: number,
  relocation: Relocation,
): ElfRelocation[] => {
  switch (relocation.kind) {
    case 'map':
    case 'map-value':
      if (!context.maps.get(place.program)?.has(relocation.map)) missing(`map ${relocation.map}`)
      return [{ offset, type: 'address', symbol: relocation.map }]
    case 'function': {
      const symbol = context.symbols.get(place.program)?.get(relocation.name)
      return [{ offset, type: 'call', symbol: symbol ?? missing(`function ${relocation.name}`) }]
    }
    case 'kfunc':
      return [{ offset, type: 'call', symbol: relocation.name }]
    case 'ticks':
      return unsaid('how many timer ticks a second has')
    case 'cgroup':
      return unsaid(`which control group ${relocation.path || '/'} is`)
    case 'member':
    case 'type':
    case 'size':
    case 'enumerator':
    case 'has-member':
    // loops stay bounded: the file is for any kernel
    case 'open-loop':
      return []
  }
}

const coreRecord = (btf: BtfWriter, offset: number, relocation: Relocation): CoreRecord[] => {
  if (relocation.kind === 'type')
    return [{ offset, type: addStruct(btf, relocation.struct), access: '0', kind: 'type id' }]
  if (relocation.kind === 'size')
    return [{ offset, type: addStruct(btf, relocation.struct), access: '0', kind: 'type size' }]
  if (relocation.kind === 'enumerator')
    return [
      { offset, type: addEnumerator(btf, relocation.enum, relocation.name), access: '0', kind: 'enum value' },
    ]
  if (relocation.kind === 'has-member')
    return [{ offset, kind: 'field exists', ...addMemberAccess(btf, relocation.struct, relocation.member) }]
  if (relocation.kind !== 'member') return []
  return [{ offset, kind: 'field offset', ...addMemberAccess(btf, relocation.struct, relocation.member) }]
}

/** The source of an instruction: its rule, or for the frame around the rules its function. */
const lineOf = (
  { options }: Context,
  { symbol }: Placed,
  offset: number,
  instruction: Instruction,
): LineRecord => {
  const rule = instruction.origin?.rule
  const file = options.file ?? 'rules'
  if (rule === undefined) return { offset, file, text: `${symbol}()`, line: 0 }
  return { offset, file, text: options.rules?.[rule] ?? `rule ${rule}`, line: rule + 1 }
}

interface Code {
  readonly relocations: readonly ElfRelocation[]
  readonly core: readonly CoreRecord[]
  readonly lines: readonly LineRecord[]
}

/** What is to be known of a function's instructions; `start` is its offset in the section. */
const codeOf = (context: Context, place: Placed, start: number): Code => {
  const relocations: ElfRelocation[] = []
  const core: CoreRecord[] = []
  const lines: LineRecord[] = []
  let offset = start
  for (const instruction of place.fn.instructions) {
    const line = lineOf(context, place, offset, instruction)
    const last = lines.at(-1)
    if (!last || last.line !== line.line || last.text !== line.text) lines.push(line)
    if (instruction.relocation) {
      relocations.push(...elfRelocation(context, place, offset, instruction.relocation))
      core.push(...coreRecord(context.btf, offset, instruction.relocation))
    }
    offset += slotsOf(instruction.opcode) * SLOT
  }
  return { relocations, core, lines }
}

const concatenate = (chunks: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

interface CodeSection {
  readonly section: Section
  readonly symbols: readonly ElfSymbol[]
  readonly records: SectionRecords
}

const writeCode = (context: Context, name: string): CodeSection => {
  const chunks: Uint8Array[] = []
  const symbols: ElfSymbol[] = []
  const functions: { offset: number; type: TypeId }[] = []
  const codes: Code[] = []
  let offset = 0
  for (const place of context.functions.filter(({ section }) => section === name)) {
    const bytes = encode(place.fn.instructions.map(unlinked))
    chunks.push(bytes)
    symbols.push({ name: place.symbol, kind: 'function', section: name, offset, size: bytes.length })
    const named = { ...place.fn, name: place.symbol }
    functions.push({ offset, type: addFunction(context.btf, named, place.program.type) })
    codes.push(codeOf(context, place, offset))
    offset += bytes.length
  }
  const relocations = codes.flatMap(code => code.relocations)
  return {
    section: { name, kind: 'code', bytes: concatenate(chunks), relocations },
    symbols,
    records: {
      section: name,
      functions,
      lines: codes.flatMap(({ lines }) => lines),
      core: codes.flatMap(({ core }) => core),
    },
  }
}

/** Kernel functions are declared in a section that exists in BTF only. */
const writeKfuncs = (btf: BtfWriter, programs: readonly ProgramSpec[]): ElfSymbol[] => {
  const names = new Set<string>()
  for (const { functions } of programs)
    for (const { instructions } of functions)
      for (const { relocation } of instructions) if (relocation?.kind === 'kfunc') names.add(relocation.name)
  if (names.size === 0) return []
  const variables = [...names].map(name => ({ type: addKfunc(btf, name), offset: 0, size: 0 }))
  btf.add({ kind: 'datasec', name: '.ksyms', size: 0, variables })
  return [...names].map(name => ({ name, kind: 'extern', offset: 0, size: 0 }))
}

const metadata = (name: string, bytes: Uint8Array): Section => ({
  name,
  kind: 'metadata',
  bytes,
  relocations: [],
})

const licenseSection = (license: string): Section => ({
  name: 'license',
  kind: 'data',
  bytes: Uint8Array.from([...Array.from(license, character => character.charCodeAt(0)), 0]),
  relocations: [],
})

/**
 * The bytes of a BPF object file with these programs. Maps of one name are one map.
 * @throws ObjectError for what an object file cannot say, with a code, and a hint where there is one
 */
export const writeObject = (programs: readonly ProgramSpec[], options: ObjectOptions = {}): Uint8Array => {
  const btf = btfWriter()
  const maps = placeMaps(programs)
  for (const { map } of maps) requireIdentifier(map.name)
  const functions = placeFunctions(programs)
  const context: Context = {
    btf,
    options,
    functions,
    symbols: symbolsOf(programs, functions),
    maps: new Map(programs.map(program => [program, new Set(program.maps.map(({ name }) => name))])),
  }
  const names = [...new Set(functions.map(({ section }) => section))].sort()
  const code = names.map(name => writeCode(context, name))
  const kfuncs = writeKfuncs(btf, programs)
  const writtenMaps = writeMaps(btf, maps)
  const extension = writeExtension(
    btf,
    code.map(({ records }) => records),
  )
  const sections = [
    ...code.map(({ section }) => section),
    ...writtenMaps.sections,
    licenseSection(programs[0]?.license ?? 'Dual MIT/GPL'),
    metadata('.BTF', btf.bytes()),
    metadata('.BTF.ext', extension),
  ]
  return writeElf(sections, [...code.flatMap(({ symbols }) => symbols), ...writtenMaps.symbols, ...kfuncs])
}
