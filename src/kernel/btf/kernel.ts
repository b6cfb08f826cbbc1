// What the running kernel's types say: member offsets, type ids, kernel functions. To read and index vmlinux's BTF and to answer takes 10 to 20 ms, once
// per process; so answers are remembered (answers.ts).

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { TypeId } from '../../../translator/btf/type.ts'
import { KernelError } from '../error.ts'
import { failedWith } from '../sys/error.ts'
import {
  btfById,
  btfBytesLater,
  btfBytesOf,
  btfIds,
  btfNameOf,
  close,
  type FileDescriptor,
} from '../sys/object.ts'
import { answerTo } from './answers.ts'
import { enumeratorOf, memberOffset } from './member.ts'
import { type Btf, findType, type Kind, readBtf, typeOf } from './reader.ts'

const directory = '/sys/kernel/btf'
const vmlinuxName = 'vmlinux'

const read = (name: string, base?: Btf): Btf => {
  try {
    return readBtf(readBlob(name), base)
  } catch (cause) {
    const hint =
      'The kernel needs CONFIG_DEBUG_INFO_BTF=y; its types are there since Linux 5.4, those of modules since 5.11.'
    throw new KernelError('ERR_BTF', `cannot read the kernel's types from ${directory}/${name}`, hint, cause)
  }
}

/** The file of vmlinux gives a page at a time, which takes 1,400 calls; bpf(2) gives all of it. Where there is no file there are no types to ask for. */
const readBlob = (name: string): Uint8Array => {
  const path = `${directory}/${name}`
  const whole = name === vmlinuxName && existsSync(path) ? (vmlinuxAhead ?? readWhole(name)) : undefined
  return whole ?? readFileSync(path)
}

/** undefined where it may not be had so: it takes CAP_SYS_ADMIN. */
const readWhole = (name: string): Uint8Array | undefined => {
  const fd = tryOpenBlob(name)
  if (fd === undefined) return undefined
  try {
    return btfBytesOf(fd)
  } finally {
    close(fd)
  }
}

const tryOpenBlob = (name: string): FileDescriptor | undefined => {
  try {
    return openBlob(name)
  } catch (error) {
    if (failedWith(error, 'EPERM')) return undefined
    throw error
  }
}

let vmlinuxBtf: Btf | undefined
let vmlinuxAhead: Uint8Array | undefined

/** Reads vmlinux's BTF while others go on, for when it is asked for; where that fails it is read then. */
export const readVmlinuxAhead = async (): Promise<void> => {
  if (vmlinuxBtf) return
  try {
    const fd = openBlob(vmlinuxName)
    if (fd !== undefined) vmlinuxAhead = await btfBytesLater(fd).finally(() => close(fd))
  } catch {
    // who asks is told why
  }
}
const moduleBtf = new Map<string, Btf>()

const vmlinux = (): Btf => {
  vmlinuxBtf ??= read(vmlinuxName)
  vmlinuxAhead = undefined
  return vmlinuxBtf
}

const moduleTypes = (name: string): Btf => {
  const known = moduleBtf.get(name) ?? read(name, vmlinux())
  moduleBtf.set(name, known)
  return known
}

const modules = (): readonly string[] => readdirSync(directory).filter(name => name !== vmlinuxName)

/** A type of vmlinux (then `module` is absent) or of a loaded module. */
export interface KernelType {
  readonly btf: Btf
  readonly id: TypeId
  readonly module: string | undefined
}

const found = new Map<string, KernelType>()

/** The first type of that kind and name: in vmlinux, else in a loaded module. Of a struct several members are asked for. */
export const findKernelType = (kind: Kind, name: string): KernelType | undefined => {
  const question = `${kind} ${name}`
  const type = found.get(question) ?? searchKernelType(kind, name)
  if (type) found.set(question, type)
  return type
}

const searchKernelType = (kind: Kind, name: string): KernelType | undefined => {
  const id = findType(vmlinux(), kind, name)
  if (id !== undefined) return { btf: vmlinux(), id, module: undefined }
  for (const module of modules()) {
    const btf = moduleTypes(module)
    const there = findType(btf, kind, name)
    if (there !== undefined) return { btf, id: there, module }
  }
  return undefined
}

const kernelType = (kind: Kind, name: string, hint: string): KernelType => {
  const type = findKernelType(kind, name)
  if (type === undefined) throw new KernelError('ERR_BTF', `this kernel has no ${kind} ${name}`, hint)
  return type
}

const buildHint = 'The kernel was built without the feature that it belongs to.'
const moduleHint = 'It may be in a kernel module that is not loaded, or the kernel is too old.'

/** Bytes from the start of a kernel struct to a member. Throws ERR_BTF where this kernel has no such member. */
export const kernelMemberOffset = (struct: string, path: readonly string[]): number => {
  const name = path.join('.')
  const ask = () => {
    const { btf, id, module } = kernelType('struct', struct, moduleHint)
    const value = memberOffset(btf, id, path)
    if (value !== undefined) return { value, module }
    throw new KernelError('ERR_BTF', `this kernel's struct ${struct} has no member ${name}`, moduleHint)
  }
  return answerTo(`offset of ${struct}.${name}`, ask).value
}

/** Whether a kernel struct has a member. */
export const kernelHasMember = (struct: string, path: readonly string[]): boolean => {
  const ask = () => {
    const { btf, id, module } = kernelType('struct', struct, moduleHint)
    return { value: memberOffset(btf, id, path) === undefined ? 0 : 1, module }
  }
  return answerTo(`has ${struct}.${path.join('.')}`, ask).value === 1
}

const typeId = (kind: 'struct' | 'func', name: string) => () => {
  const { id, module } = kernelType(kind, name, moduleHint)
  return { value: id, module }
}

/** The id of a kernel struct in vmlinux's BTF, where bpf_rdonly_cast looks it up. */
export const kernelStructId = (struct: string): TypeId => {
  const { value, module } = answerTo(`id of struct ${struct}`, typeId('struct', struct))
  if (module === undefined) return value
  throw new KernelError('ERR_BTF', `struct ${struct} is known to module ${module} only, not to vmlinux`)
}

/** Bytes a kernel struct takes. */
export const kernelStructSize = (struct: string): number => {
  const ask = () => {
    const { btf, id, module } = kernelType('struct', struct, moduleHint)
    return { value: typeOf(btf, id)?.sizeOrType ?? 0, module }
  }
  return answerTo(`size of ${struct}`, ask).value
}

/** The number of an enumerator. */
export const kernelEnumerator = (enumeration: string, name: string): number => {
  const ask = () => {
    const { btf, id, module } = kernelType('enum', enumeration, moduleHint)
    const value = enumeratorOf(btf, id, name)
    if (value !== undefined) return { value, module }
    throw new KernelError('ERR_BTF', `this kernel's enum ${enumeration} has no ${name}`, buildHint)
  }
  return answerTo(`enumerator ${enumeration} ${name}`, ask).value
}

export interface KernelFunction {
  readonly id: TypeId
  /** The module it lives in; undefined for vmlinux. */
  readonly module: string | undefined
}

/** The BTF id of a kfunc. Throws ERR_BTF where this kernel has no such function. */
export const kernelFunction = (name: string): KernelFunction => {
  const { value, module } = answerTo(`id of function ${name}`, typeId('func', name))
  return { id: value, module }
}

/** Opens a module's BTF, which a call of its kfuncs must name. */
export const openModuleBtf = (name: string): FileDescriptor => {
  const fd = openBlob(name)
  if (fd !== undefined) return fd
  throw new KernelError('ERR_BTF', `the BTF of kernel module ${name} is not there any more`)
}

/** Opens the blob of vmlinux or a module. */
const openBlob = (name: string): FileDescriptor | undefined => {
  for (const id of btfIds()) {
    const fd = openBtf(id)
    if (fd === undefined) continue
    if (btfNameOf(fd) === name) return fd
    close(fd)
  }
  return undefined
}

/** A BTF blob by id; undefined where it went away since it was listed. */
const openBtf = (id: number): FileDescriptor | undefined => {
  try {
    return btfById(id)
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}
