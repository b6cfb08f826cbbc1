// C types of the kernel that an object file must know: libbpf finds a member of a kernel structure (CO-RE) or a
// kernel function (.ksyms) by its name, and compares its type with the one the object declares. Sizes of integers
// and what pointers point to are not compared, so they are simplified here.
// Source: the kernel's own BTF (bpftool btf dump file /sys/kernel/btf/vmlinux), Linux 6.18.

import type { TypeId } from '../btf/type.ts'
import type { BtfWriter } from '../btf/writer.ts'
import { ObjectError } from './error.ts'

type KernelType =
  | 'void'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'int'
  | { readonly pointer: KernelType }
  | { readonly array: KernelType; readonly length: number }
  /** A structure of the kernel. */
  | { readonly struct: string }

const pointerTo = (struct: string): KernelType => ({ pointer: { struct } })
const anyPointer: KernelType = { pointer: 'void' }

const structs: Readonly<Record<string, Readonly<Record<string, KernelType>>>> = {
  bpf_nf_ctx: { state: pointerTo('nf_hook_state'), skb: pointerTo('sk_buff') },
  nf_hook_state: {
    hook: 'u8',
    pf: 'u8',
    in: pointerTo('net_device'),
    out: pointerTo('net_device'),
    sk: pointerTo('sock'),
    net: pointerTo('net'),
  },
  net_device: { name: { array: 'u8', length: 16 }, ifindex: 'int', mtu: 'u32', flags: 'u32', type: 'u16' },
  sk_buff: {
    sk: pointerTo('sock'),
    dev: pointerTo('net_device'),
    _skb_refdst: 'u64',
    _nfct: 'u64',
    len: 'u32',
    data_len: 'u32',
    mac_len: 'u16',
    hash: 'u32',
    mark: 'u32',
    priority: 'u32',
    protocol: 'u16',
    vlan_proto: 'u16',
    vlan_tci: 'u16',
    skb_iif: 'int',
    transport_header: 'u16',
    network_header: 'u16',
    mac_header: 'u16',
    head: anyPointer,
    data: anyPointer,
  },
  nf_conn: {
    status: 'u64',
    mark: 'u32',
    secmark: 'u32',
    timeout: 'u32',
    master: pointerTo('nf_conn'),
  },
  nf_ct_event: { ct: pointerTo('nf_conn') },
  sock: {},
  net: {},
  bpf_dynptr: {},
  __sk_buff: {},
  xdp_md: {},
  bpf_sock_tuple: {},
  bpf_ct_opts: {},
}

interface Prototype {
  readonly result: KernelType
  readonly parameters: readonly (readonly [name: string, type: KernelType])[]
}

const conntrackLookup = (context: string): Prototype => ({
  result: pointerTo('nf_conn'),
  parameters: [
    ['ctx', pointerTo(context)],
    ['tuple', pointerTo('bpf_sock_tuple')],
    ['tuple__sz', 'u32'],
    ['opts', pointerTo('bpf_ct_opts')],
    ['opts__sz', 'u32'],
  ],
})

const kfuncs: Readonly<Record<string, Prototype>> = {
  bpf_dynptr_from_skb: {
    result: 'int',
    parameters: [
      ['s', pointerTo('__sk_buff')],
      ['flags', 'u64'],
      ['ptr__uninit', pointerTo('bpf_dynptr')],
    ],
  },
  bpf_dynptr_from_xdp: {
    result: 'int',
    parameters: [
      ['x', pointerTo('xdp_md')],
      ['flags', 'u64'],
      ['ptr__uninit', pointerTo('bpf_dynptr')],
    ],
  },
  bpf_dynptr_slice: {
    result: anyPointer,
    parameters: [
      ['p', pointerTo('bpf_dynptr')],
      ['offset', 'u32'],
      ['buffer__opt', anyPointer],
      ['buffer__szk', 'u32'],
    ],
  },
  bpf_dynptr_size: { result: 'u32', parameters: [['p', pointerTo('bpf_dynptr')]] },
  bpf_rdonly_cast: {
    result: anyPointer,
    parameters: [
      ['obj__ign', anyPointer],
      ['btf_id__k', 'u32'],
    ],
  },
  bpf_xdp_ct_lookup: conntrackLookup('xdp_md'),
  bpf_skb_ct_lookup: conntrackLookup('__sk_buff'),
  bpf_ct_release: { result: 'void', parameters: [['nfct', pointerTo('nf_conn')]] },
}

const integers = { u8: 1, u16: 2, u32: 4, u64: 8, int: 4 } as const

/** Structures pointed to are declared without members: that they are structures is all that is compared. */
const addOpaque = (btf: BtfWriter, name: string): TypeId =>
  btf.add({ kind: 'struct', name, size: 0, members: [] })

const addType = (btf: BtfWriter, type: KernelType): TypeId => {
  if (type === 'void') return 0
  if (typeof type === 'string')
    return btf.add({ kind: 'int', name: type, size: integers[type], signed: type === 'int' })
  if ('pointer' in type) return btf.add({ kind: 'ptr', type: addType(btf, type.pointer) })
  if ('struct' in type) return addOpaque(btf, type.struct)
  const element = addType(btf, type.array)
  return btf.add({ kind: 'array', type: element, indexType: addType(btf, 'u32'), length: type.length })
}

const sizeOfType = (type: KernelType): number => {
  if (type === 'void') return 0
  if (typeof type === 'string') return integers[type]
  if ('pointer' in type) return 8
  return 'array' in type ? sizeOfType(type.array) * type.length : 0
}

export interface MemberAccess {
  /** The structure as declared in the object. */
  readonly type: TypeId
  /** What a CO-RE relocation calls the member: 0:0, the first member of the structure pointed to. */
  readonly access: string
}

/**
 * Declare a kernel structure with the one member that is accessed. Each access has a structure of its own, of the
 * same name: that is how C programs do it too ("flavors"), and libbpf looks no further than the member.
 * @throws ObjectError ERR_ELF_KERNEL_TYPE for a member this file does not know
 */
export const addMemberAccess = (btf: BtfWriter, struct: string, path: readonly string[]): MemberAccess => {
  const [name] = path
  const type = name === undefined ? undefined : structs[struct]?.[name]
  if (name === undefined || type === undefined || path.length !== 1)
    throw new ObjectError(
      'ERR_ELF_KERNEL_TYPE',
      `object files cannot refer to ${struct}.${path.join('.')}: its C type is not known`,
      'load the program with bpftables itself, which reads the types of the running kernel',
    )
  const member = { name, type: addType(btf, type), offset: 0 }
  return {
    type: btf.add({ kind: 'struct', name: struct, size: sizeOfType(type), members: [member] }),
    access: '0:0',
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
