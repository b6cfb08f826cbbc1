// Kernel structures as the interpreter lays them out: the members we know one after the other, each aligned to 8
// bytes. Programs find them through their member relocations, so the offsets need not be any kernel's.

import { enums, sizeOfType, structs } from '../kernel-type.ts'
import { VmError } from './error.ts'
import { type Memory, newRegion, type Pointer } from './memory.ts'

interface Layout {
  readonly size: number
  readonly offsets: ReadonlyMap<string, number>
}

const layOut = (members: (typeof structs)[string]): Layout => {
  const offsets = new Map<string, number>()
  let size = 0
  for (const [name, type] of Object.entries(members)) {
    offsets.set(name, size)
    size += (sizeOfType(type) + 7) & ~7
  }
  return { size, offsets }
}

const layouts = new Map(Object.entries(structs).map(([name, members]) => [name, layOut(members)]))

/**
 * Where a member lies.
 * @throws VmError ERR_VM_UNSUPPORTED for one that is not known
 */
export const memberOffset = (struct: string, path: readonly string[]): number => {
  const [name = '', ...rest] = path
  const offset = layouts.get(struct)?.offsets.get(name)
  if (offset === undefined)
    throw new VmError('ERR_VM_UNSUPPORTED', `no kernel member ${struct}.${path.join('.')}`)
  const type = structs[struct]?.[name]
  return rest.length > 0 && typeof type === 'object' && 'struct' in type
    ? offset + memberOffset(type.struct, rest)
    : offset
}

/** Bytes a structure takes here. */
export const structSize = (struct: string): number => layouts.get(struct)?.size ?? 0

/** CONFIG_HZ of this kernel. */
export const TICKS_PER_SECOND = 1000

/** The number of an enumerator that we know. */
export const enumeratorNumber = (asked: { readonly enum: string; readonly name: string }): number => {
  const index = enums[asked.enum]?.indexOf(asked.name) ?? -1
  if (index < 0) throw new VmError('ERR_VM_UNSUPPORTED', `no enumerator ${asked.name} of ${asked.enum}`)
  return index
}

/** What a member holds; bytes for an array. */
export type MemberValue = number | Pointer | Uint8Array

/** Make a structure with these members; the others are zero. Its address, and its bytes. */
export const makeStruct = (
  memory: Memory,
  struct: string,
  members: Readonly<Record<string, MemberValue>>,
): Pointer => {
  const bytes = new Uint8Array(layouts.get(struct)?.size ?? 0)
  const region = newRegion(`struct ${struct}`, bytes, false)
  for (const [name, value] of Object.entries(members)) {
    const offset = memberOffset(struct, [name])
    if (value instanceof Uint8Array) bytes.set(value, offset)
    else {
      const { low, high } = typeof value === 'number' ? { low: value, high: 0 } : value
      region.view.setUint32(offset, low, true)
      // A number of up to 4 bytes leaves the rest of its 8 alone.
      region.view.setUint32(offset + 4, high, true)
    }
  }
  return memory.map(region)
}
