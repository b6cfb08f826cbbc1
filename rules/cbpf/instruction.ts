// Classic BPF, as -m bpf --bytecode carries it (linux/filter.h; McCanne and Jacobson, "The BSD Packet Filter", USENIX 1993).

/** One instruction; `jt` and `jf` are how many instructions a jump passes over. */
export interface CbpfInstruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** The low three bits of a code. */
export const operation = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const

/** Of ld and ldx: where the value comes from. */
export const mode = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const

/** Of ld: how much is loaded. */
export const size = { word: 0x00, half: 0x08, byte: 0x10 } as const

export const alu = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
} as const

export const jump = { always: 0x00, equal: 0x10, greater: 0x20, greaterOrEqual: 0x30, set: 0x40 } as const

/** Of alu and jmp: the operand is X, not k. */
export const X = 0x08

export const ret = { k: 0x06, a: 0x16 } as const
export const misc = { tax: 0x07, txa: 0x87 } as const

/** Words of scratch memory (BPF_MEMWORDS). */
export const MEMORY_WORDS = 16

/** Absolute loads from here on ask for what travels with the packet (SKF_AD_OFF), from NETWORK on for its network header (SKF_NET_OFF). */
export const ANCILLARY = 0xfffff000
export const NETWORK = 0xfff00000

export const ancillary = { protocol: 0, mark: 20, xor: 40, last: 60 } as const

const loads = [size.word, size.half, size.byte].flatMap(width => [
  operation.ld | width | mode.abs,
  operation.ld | width | mode.ind,
])

/** Codes the kernel takes (chk_code_allowed in net/core/filter.c). */
export const CODES: ReadonlySet<number> = new Set([
  ...loads,
  ...[mode.imm, mode.mem, mode.len].flatMap(from => [operation.ld | from, operation.ldx | from]),
  operation.ldx | size.byte | mode.msh,
  operation.st,
  operation.stx,
  ...Object.values(alu)
    .filter(op => op !== alu.neg)
    .flatMap(op => [operation.alu | op, operation.alu | op | X]),
  operation.alu | alu.neg,
  operation.jmp | jump.always,
  ...Object.values(jump)
    .filter(op => op !== jump.always)
    .flatMap(op => [operation.jmp | op, operation.jmp | op | X]),
  ret.k,
  ret.a,
  misc.tax,
  misc.txa,
])
