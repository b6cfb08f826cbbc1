// One BPF instruction with its jump targets resolved, before a kernel has been asked for addresses.
// Source: Documentation/bpf/standardization/instruction-set.rst (RFC 9669).

import type { Register } from './register.ts'

/** What `src/kernel` (at load) or the ELF writer (as a relocation) puts into an instruction. */
export type Relocation =
  /** LDDW: the file descriptor of a map of the program. */
  | { readonly kind: 'map'; readonly map: string }
  /** LDDW: the address `offset` bytes into the single value of an ARRAY map of one entry. */
  | { readonly kind: 'map-value'; readonly map: string; readonly offset: number }
  /** CALL: another function of the program. */
  | { readonly kind: 'function'; readonly name: string }
  /** CALL: a kernel function (kfunc). */
  | { readonly kind: 'kfunc'; readonly name: string }
  /**
   * LDX or STX: the `off` field is the offset of a member, e.g. sk_buff, ['len']; nested members in order. ALU: the immediate is
   * that offset.
   */
  | {
      readonly kind: 'member'
      readonly struct: string
      readonly member: readonly string[]
      /** A kernel may lack it, and never comes to the instruction then. */
      readonly optional?: true
    }
  /** MOV immediate: 1 where a kernel has the member, else 0. */
  | { readonly kind: 'has-member'; readonly struct: string; readonly member: readonly string[] }
  /** MOV immediate: the BTF id of a kernel struct (for bpf_rdonly_cast). */
  | { readonly kind: 'type'; readonly struct: string }
  /** MOV immediate: the bytes a kernel struct takes. */
  | { readonly kind: 'size'; readonly struct: string }
  /** MOV immediate: the number of an enumerator. */
  | { readonly kind: 'enumerator'; readonly enum: string; readonly name: string }
  /** MOV immediate: timer ticks in a second (CONFIG_HZ). */
  | { readonly kind: 'ticks' }
  /**
   * Where a kernel takes loops that it bounds by itself (may_goto, Linux 6.9), a jump out of the loop becomes that, and MOV immediate is -1 (all ones). Elsewhere
   * they stay the jump that bounds the loop, and 0.
   */
  | { readonly kind: 'open-loop' }
  /** LDDW: the id of a control group by its path below the root of cgroup v2. */
  | { readonly kind: 'cgroup'; readonly path: string }

/** Where an instruction came from: shown in listings and with verifier errors. */
export interface Origin {
  /** What the instruction is for, in a few words. */
  readonly comment?: string
  /** Index into the rule table of the listing; absent for the frame around the rules. */
  readonly rule?: number
}

export interface Instruction {
  /** The opcode byte. */
  readonly opcode: number
  readonly dst: Register
  readonly src: Register
  /** Signed 16 bits. */
  readonly offset: number
  /** Signed 32 bits; for LDDW (which takes two slots of 8 bytes) up to 64. */
  readonly immediate: number | bigint
  readonly relocation?: Relocation
  readonly origin?: Origin
  /** The name of the label at this instruction, for listings. */
  readonly label?: string
}
