// The BTF of a program's functions: what the verifier needs to verify each of them by itself.

import type { FunctionSpec, ParameterType, ProgramSpec, ProgramType } from '../program.ts'
import type { TypeId } from './type.ts'
import { type BtfWriter, btfWriter } from './writer.ts'

/** The struct a program type's context pointer points to; the verifier knows it by its name. */
const contextStruct = {
  XDP: 'xdp_md',
  SCHED_CLS: '__sk_buff',
  NETFILTER: 'bpf_nf_ctx',
} as const satisfies Record<ProgramType, string>

const parameterType = (btf: BtfWriter, type: ParameterType, program: ProgramType): TypeId => {
  switch (type.kind) {
    case 'scalar':
      return btf.add({ kind: 'int', name: 'unsigned long', size: 8, signed: false })
    case 'context': {
      const struct = btf.add({ kind: 'struct', name: contextStruct[program], size: 0, members: [] })
      return btf.add({ kind: 'ptr', type: struct })
    }
    case 'memory': {
      const byte = btf.add({ kind: 'int', name: 'unsigned char', size: 1, signed: false })
      const indexType = btf.add({ kind: 'int', name: 'unsigned int', size: 4, signed: false })
      const array = btf.add({ kind: 'array', type: byte, indexType, length: type.size })
      const members = [{ name: 'bytes', type: array, offset: 0 }]
      const struct = btf.add({ kind: 'struct', name: `memory${type.size}`, size: type.size, members })
      return btf.add({ kind: 'ptr', type: struct })
    }
  }
}

/** Adds a function with global linkage that returns an int; the id of its FUNC type. */
export const addFunction = (btf: BtfWriter, fn: FunctionSpec, program: ProgramType): TypeId => {
  const parameters = fn.parameters.map(({ name, type }) => ({
    name,
    type: parameterType(btf, type, program),
  }))
  const result = btf.add({ kind: 'int', name: 'int', size: 4, signed: true })
  const type = btf.add({ kind: 'func_proto', result, parameters })
  return btf.add({ kind: 'func', name: fn.name, type, linkage: 'global' })
}

export interface ProgramBtf {
  readonly bytes: Uint8Array
  /** The FUNC id of each function of the spec, in its order. */
  readonly functions: readonly TypeId[]
}

/** The BTF a program is loaded with. */
export const programBtf = (spec: ProgramSpec): ProgramBtf => {
  const btf = btfWriter()
  const functions = spec.functions.map(fn => addFunction(btf, fn, spec.type))
  return { bytes: btf.bytes(), functions }
}
