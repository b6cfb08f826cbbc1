// A ProgramSpec is everything the translator knows about one BPF program, and nothing only a running kernel
// knows: maps stand in it by name, kernel structures by member name, kernel functions by name. `src/kernel`
// resolves those at load; `translator/elf` writes them out as CO-RE relocations and extern symbols.

import type { Instruction } from './asm/instruction.ts'
import type { MapContents } from './contents.ts'

/** BPF_COMPLEXITY_LIMIT_INSNS, in slots of 8 bytes: a longer program is refused before the verifier looks at it. */
export const MOST_INSTRUCTIONS = 1_000_000

/** Where a program runs. The names are those of the pin directories. */
export type Hook = 'xdp' | 'tc-ingress' | 'tc-egress' | NetfilterHook

/** A netfilter hook at the priority of a table; hook/place.ts says which. Those of the filter table do not name it. */
export type NetfilterHook =
  | 'nf-input'
  | 'nf-forward'
  | 'nf-output'
  | 'nf-raw-prerouting'
  | 'nf-raw-output'
  | 'nf-mangle-prerouting'
  | 'nf-mangle-input'
  | 'nf-mangle-forward'
  | 'nf-mangle-output'
  | 'nf-mangle-postrouting'

/** Program types, spelled as in `enum bpf_prog_type` without the prefix. */
export type ProgramType = 'XDP' | 'SCHED_CLS' | 'NETFILTER'

/** Map types, spelled as in `enum bpf_map_type` without the prefix. */
export type MapType = 'HASH' | 'ARRAY' | 'PROG_ARRAY' | 'PERCPU_ARRAY' | 'LPM_TRIE'

/** `enum bpf_map_type`. */
export const mapTypeNumber = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_ARRAY: 6,
  LPM_TRIE: 11,
} as const satisfies Record<MapType, number>

export interface MapSpec {
  /** At most 15 bytes (BPF_OBJ_NAME_LEN); programs refer to the map by it, and so does its pin. */
  readonly name: string
  readonly type: MapType
  /** Bytes. */
  readonly keySize: number
  /** Bytes; for a per-CPU map, of one CPU's value. */
  readonly valueSize: number
  readonly maxEntries: number
  /** BPF_F_* bits as the kernel numbers them. */
  readonly flags: number
  /** The map outlives the program: it is found by its pin and reused, so what it holds carries over. */
  readonly shared: boolean
  /** One for all programs that are loaded together, which have it under this name; made anew with each load. */
  readonly together?: true
  /** Of a map that is not shared. */
  readonly contents?: MapContents
}

/** The C type of one parameter of a BPF function, as far as the verifier cares. */
export type ParameterType =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'context' }
  /** A pointer to `size` bytes the function may read and write; the verifier makes the function check it for null. */
  | { readonly kind: 'memory'; readonly size: number }

export interface Parameter {
  readonly name: string
  readonly type: ParameterType
}

/** One BPF function. The first of a program is its main one; the others have global linkage, so each is verified once. */
export interface FunctionSpec {
  readonly name: string
  readonly parameters: readonly Parameter[]
  readonly instructions: readonly Instruction[]
}

/** One of each name, the last. */
export const onceByName = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map(one => [one.name, one])).values(),
]

export interface ProgramSpec {
  /** At most 15 bytes. */
  readonly name: string
  readonly hook: Hook
  readonly type: ProgramType
  readonly license: 'Dual MIT/GPL'
  readonly functions: readonly FunctionSpec[]
  readonly maps: readonly MapSpec[]
}

/** Whether a function calls another of its program. */
export const calls = ({ instructions }: FunctionSpec, name: string): boolean =>
  instructions.some(({ relocation }) => relocation?.kind === 'function' && relocation.name === name)
