// A program spec as one array of instruction slots: its functions one after the other, main first, with every
// relocation resolved against the running kernel.

import { encode, SLOT } from '../../translator/asm/encode.ts'
import type { Instruction, Relocation } from '../../translator/asm/instruction.ts'
import { CallSource, Class, classOf, LoadSource, MAY_GOTO, slotsOf } from '../../translator/asm/opcode.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import {
  kernelEnumerator,
  kernelFunction,
  kernelHasMember,
  kernelMemberOffset,
  kernelStructId,
  kernelStructSize,
} from './btf/kernel.ts'
import { cgroupId } from './cgroup.ts'
import { KernelError } from './error.ts'
import { ticksPerSecond } from './sys/clock.ts'
import type { FileDescriptor } from './sys/object.ts'

export interface Image {
  readonly bytes: Uint8Array
  /** The slot each function of the spec begins at. */
  readonly starts: readonly number[]
  /** Modules whose kfuncs the program calls; a call names its module by its index here plus one. */
  readonly modules: readonly string[]
}

/** What the kernel says to each relocation; one answer per distinct question. */
export interface Resolver {
  readonly map: (name: string) => FileDescriptor
  readonly member: (struct: string, path: readonly string[]) => number
  readonly hasMember: (struct: string, path: readonly string[]) => boolean
  readonly struct: (name: string) => number
  readonly size: (struct: string) => number
  readonly enumerator: (enumeration: string, name: string) => number
  readonly ticks: () => number
  readonly cgroup: (path: string) => bigint
  readonly kfunc: (name: string) => { readonly id: number; readonly module: string | undefined }
  /** Whether the kernel bounds loops by itself. */
  readonly openLoops: boolean
}

const remember = <T>(answer: (key: string) => T): ((key: string) => T) => {
  const known = new Map<string, T>()
  return key => {
    const value = known.get(key) ?? answer(key)
    known.set(key, value)
    return value
  }
}

/** Asks the running kernel's types, and `maps` by name. */
export const kernelResolver = (
  maps: ReadonlyMap<string, { readonly fd: FileDescriptor }>,
  openLoops: boolean,
): Resolver => {
  const members = remember(key => {
    const [struct = '', ...path] = key.split('.')
    return kernelMemberOffset(struct, path)
  })
  return {
    map: name => {
      const map = maps.get(name)
      if (map === undefined)
        throw new KernelError('ERR_MAP', `the program needs map ${name}, which was not made`)
      return map.fd
    },
    member: (struct, path) => members([struct, ...path].join('.')),
    hasMember: kernelHasMember,
    struct: remember(kernelStructId),
    size: remember(kernelStructSize),
    enumerator: kernelEnumerator,
    ticks: ticksPerSecond,
    cgroup: remember(cgroupId),
    kfunc: remember(kernelFunction),
    openLoops,
  }
}

/** The instruction slot being relocated: 0 opcode | 1 src << 4 | dst | 2 off s16 | 4 imm s32 | 8 next slot. */
interface Slot {
  readonly view: DataView
  readonly index: number
}

const patchSource = ({ view, index }: Slot, source: number): void => {
  const registers = view.getUint8(index * SLOT + 1)
  view.setUint8(index * SLOT + 1, (source << 4) | (registers & 0x0f))
}

const patchOffset = ({ view, index }: Slot, offset: number): void => {
  if (offset > 0x7fff)
    throw new KernelError('ERR_BTF', `a member offset of ${offset} does not fit an instruction`)
  view.setInt16(index * SLOT + 2, offset, true)
}

const patchImmediate = ({ view, index }: Slot, immediate: number): void => {
  view.setInt32(index * SLOT + 4, immediate, true)
}

/** The 64 bits of an LDDW. */
const patchWide = (slot: Slot, value: bigint): void => {
  patchImmediate(slot, Number(BigInt.asIntN(32, value)))
  patchImmediate({ ...slot, index: slot.index + 1 }, Number(BigInt.asIntN(32, value >> 32n)))
}

/** What a function relocation needs to know of the program around it. */
interface Linkage {
  readonly starts: ReadonlyMap<string, number>
  /** Grows as calls into modules are met. */
  readonly modules: string[]
  readonly resolver: Resolver
}

const moduleIndex = (modules: string[], module: string): number => {
  if (!modules.includes(module)) modules.push(module)
  return modules.indexOf(module) + 1
}

const relocateCall = (slot: Slot, name: string, { starts }: Linkage): void => {
  const target = starts.get(name)
  if (target === undefined) throw new RangeError(`call of function ${name}, which the program does not have`)
  patchSource(slot, CallSource.FUNCTION)
  patchImmediate(slot, target - slot.index - 1)
}

const relocateKfunc = (slot: Slot, name: string, { modules, resolver }: Linkage): void => {
  const { id, module } = resolver.kfunc(name)
  patchSource(slot, CallSource.KFUNC)
  patchImmediate(slot, id)
  patchOffset(slot, module === undefined ? 0 : moduleIndex(modules, module))
}

/** A member's offset: of a load or store its own, of arithmetic the operand. */
const relocateMember = (slot: Slot, offset: number): void => {
  if (classOf(slot.view.getUint8(slot.index * SLOT)) === Class.ALU64) patchImmediate(slot, offset)
  else patchOffset(slot, offset)
}

/** A jump has no registers then, and goes where it did. */
const openLoop = (slot: Slot): void => {
  const { view, index } = slot
  const isJump = classOf(view.getUint8(index * SLOT)) === Class.JMP
  if (isJump) view.setUint16(index * SLOT, MAY_GOTO, true)
  patchImmediate(slot, isJump ? 0 : -1)
}

const relocate = (slot: Slot, relocation: Relocation, linkage: Linkage): void => {
  const { resolver } = linkage
  switch (relocation.kind) {
    case 'map':
      patchSource(slot, LoadSource.MAP_FD)
      patchImmediate(slot, resolver.map(relocation.map))
      break
    case 'map-value':
      patchSource(slot, LoadSource.MAP_VALUE)
      patchImmediate(slot, resolver.map(relocation.map))
      patchImmediate({ ...slot, index: slot.index + 1 }, relocation.offset)
      break
    case 'function':
      relocateCall(slot, relocation.name, linkage)
      break
    case 'kfunc':
      relocateKfunc(slot, relocation.name, linkage)
      break
    case 'member':
      if (!relocation.optional || resolver.hasMember(relocation.struct, relocation.member))
        relocateMember(slot, resolver.member(relocation.struct, relocation.member))
      break
    case 'has-member':
      patchImmediate(slot, resolver.hasMember(relocation.struct, relocation.member) ? 1 : 0)
      break
    case 'type':
      patchImmediate(slot, resolver.struct(relocation.struct))
      break
    case 'size':
      patchImmediate(slot, resolver.size(relocation.struct))
      break
    case 'enumerator':
      patchImmediate(slot, resolver.enumerator(relocation.enum, relocation.name))
      break
    case 'ticks':
      patchImmediate(slot, resolver.ticks())
      break
    case 'open-loop':
      if (resolver.openLoops) openLoop(slot)
      break
    case 'cgroup':
      patchWide(slot, resolver.cgroup(relocation.path))
  }
}

const relocateFunction = (
  view: DataView,
  start: number,
  instructions: readonly Instruction[],
  linkage: Linkage,
): void => {
  let index = start
  for (const instruction of instructions) {
    if (instruction.relocation) relocate({ view, index }, instruction.relocation, linkage)
    index += slotsOf(instruction.opcode)
  }
}

const concatenate = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const startsOf = (parts: readonly Uint8Array[]): readonly number[] => {
  let next = 0
  return parts.map(part => {
    const start = next
    next += part.length / SLOT
    return start
  })
}

/** Links a program. Throws KernelError where the kernel lacks what it names. */
export const linkImage = (spec: ProgramSpec, resolver: Resolver): Image => {
  const parts = spec.functions.map(fn => encode(fn.instructions))
  const bytes = concatenate(parts)
  const starts = startsOf(parts)
  const view = new DataView(bytes.buffer)
  const modules: string[] = []
  const names = new Map(spec.functions.map((fn, index) => [fn.name, starts[index] ?? 0]))
  spec.functions.forEach((fn, index) => {
    relocateFunction(view, starts[index] ?? 0, fn.instructions, { starts: names, modules, resolver })
  })
  return { bytes, starts, modules }
}
