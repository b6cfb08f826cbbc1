// Kernel structures and functions as an object file declares them: libbpf finds a member (CO-RE) or a function (.ksyms)
// by its name in the types of the running kernel, and compares its type with the one declared.

import type { TypeId } from '../btf/type.ts'
import type { BtfWriter } from '../btf/writer.ts'
import { integers, type KernelType, kfuncs, sizeOfType, structs } from '../kernel-type.ts'
import { ObjectError } from './error.ts'

/** Structures pointed to are declared without members: that they are structures is all that is compared. */
const addOpaque = (btf: BtfWriter, name: string): TypeId =>
  btf.add({ kind: 'struct', name, size: 0, members: [] })

const addType = (btf: BtfWriter, type: KernelType): TypeId => {
  if (type === 'void') return 0
  if (typeof type === 'string')
    return btf.add({ kind: 'int', name: type, size: integers[type], signed: type === 'int' })
  if ('pointer' in type) return btf.add({ kind: 'ptr', type: addType(btf, type.pointer) })
  // libbpf refuses to load a member of another size than declared
  if ('struct' in type)
    return btf.add({ kind: 'struct', name: type.struct, size: type.bytes ?? 0, members: [] })
  const element = addType(btf, type.array)
  return btf.add({ kind: 'array', type: element, indexType: addType(btf, 'u32'), length: type.length })
}

export interface MemberAccess {
  /** The structure as declared in the object. */
  readonly type: TypeId
  /** What a CO-RE relocation calls the member: 0:0, the first member of the structure pointed to; 0:0:0, the first of that. */
  readonly access: string
}

/**
 * Declare a kernel structure with the one member that is accessed. There may be several structures of one name, each with
 * another member: a relocation names its structure by id, and libbpf looks no further than the member.
 * @throws ObjectError ERR_ELF_KERNEL_TYPE for a member this file does not know
 */
export const addMemberAccess = (btf: BtfWriter, struct: string, path: readonly string[]): MemberAccess => {
  const [name = '', ...rest] = path
  const type = structs[struct]?.[name]
  const nested = typeof type === 'object' && 'struct' in type ? type.struct : undefined
  if (type === undefined || (rest.length > 0 && nested === undefined))
    throw new ObjectError(
      'ERR_ELF_KERNEL_TYPE',
      `object files cannot refer to ${struct}.${path.join('.')}: its C type is not known`,
      'load the program with bpftables itself, which reads the types of the running kernel',
    )
  const inner = rest.length > 0 && nested !== undefined ? addMemberAccess(btf, nested, rest) : undefined
  const member = { name, type: inner?.type ?? addType(btf, type), offset: 0 }
  return {
    type: btf.add({ kind: 'struct', name: struct, size: sizeOfType(type), members: [member] }),
    access: `${inner?.access ?? '0'}:0`,
  }
}

/** Declare a kernel structure whose BTF id is asked for. */
export const addStruct = (btf: BtfWriter, struct: string): TypeId => addOpaque(btf, struct)

/**
 * Declare a kernel function.
 * @throws ObjectError ERR_ELF_KERNEL_TYPE for a function this file does not know
 */
export const addKfunc = (btf: BtfWriter, name: string): TypeId => {
  const prototype = kfuncs[name]
  if (!prototype)
    throw new ObjectError('ERR_ELF_KERNEL_TYPE', `object files cannot call ${name}: its C type is not known`)
  const parameters = prototype.parameters.map(([parameter, type]) => ({
    name: parameter,
    type: addType(btf, type),
  }))
  const type = btf.add({ kind: 'func_proto', result: addType(btf, prototype.result), parameters })
  return btf.add({ kind: 'func', name, type, linkage: 'extern' })
}

/** Declare an enumeration with the one enumerator whose number is asked for. */
export const addEnumerator = (btf: BtfWriter, enumeration: string, name: string): TypeId =>
  btf.add({ kind: 'enum', name: enumeration, values: [{ name, value: 0 }] })
