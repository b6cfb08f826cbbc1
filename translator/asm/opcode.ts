// The opcode byte and what its bits mean.
//
//   load and store     mode (3 bits) | size (2) | class (3)
//   arithmetic, jump   operation (4 bits) | source (1) | class (3)
//
// Source: RFC 9669, sections 3 to 5; the names are those of include/uapi/linux/bpf.h without the prefix.

/** Bits 0 to 2. */
export const Class = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const

/** Bits 3 and 4 of a load or store. */
export const SizeBits = { W: 0x00, H: 0x08, B: 0x10, DW: 0x18 } as const

/** Bits 5 to 7 of a load or store. */
export const Mode = { IMM: 0x00, MEM: 0x60, MEMSX: 0x80, ATOMIC: 0xc0 } as const

/** Bit 3 of arithmetic and jumps: the second operand is the immediate (K) or the source register (X). */
export const Source = { K: 0x00, X: 0x08 } as const

/** Bits 4 to 7 of the classes ALU and ALU64. */
export const Alu = {
  ADD: 0x00,
  SUB: 0x10,
  MUL: 0x20,
  DIV: 0x30,
  OR: 0x40,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  NEG: 0x80,
  MOD: 0x90,
  XOR: 0xa0,
  MOV: 0xb0,
  ARSH: 0xc0,
  END: 0xd0,
} as const

/** Bits 4 to 7 of the classes JMP and JMP32. */
export const Jmp = {
  JA: 0x00,
  JEQ: 0x10,
  JGT: 0x20,
  JGE: 0x30,
  JSET: 0x40,
  JNE: 0x50,
  JSGT: 0x60,
  JSGE: 0x70,
  CALL: 0x80,
  EXIT: 0x90,
  JLT: 0xa0,
  JLE: 0xb0,
  JSLT: 0xc0,
  JSLE: 0xd0,
} as const

/** The opcode of a jump that the kernel takes where a loop has run for too long; until then the next instruction follows. Its other operands are 0. */
export const MAY_GOTO = 0xe5

/** The immediate of an atomic store: an operation, or'ed with FETCH where the old value is wanted. */
export const Atomic = {
  ADD: 0x00,
  OR: 0x40,
  AND: 0x50,
  XOR: 0xa0,
  FETCH: 0x01,
  XCHG: 0xe1,
  CMPXCHG: 0xf1,
} as const

/** What the source register field of a call says about the immediate. */
export const CallSource = { HELPER: 0, FUNCTION: 1, KFUNC: 2 } as const

/** What the source register field of LDDW says about the immediate. */
export const LoadSource = { NUMBER: 0, MAP_FD: 1, MAP_VALUE: 2 } as const

/** The opcode of a 64-bit immediate load, the only instruction of two slots. */
export const LDDW = Class.LD | Mode.IMM | SizeBits.DW

/** `ja` with a 16-bit offset. */
export const JA = Class.JMP | Jmp.JA

/** `ja` with a 32-bit offset in the immediate; Linux 6.6 and later. */
export const GOTOL = Class.JMP32 | Jmp.JA

export const CALL = Class.JMP | Jmp.CALL

export const EXIT = Class.JMP | Jmp.EXIT

/** An access size, named as C and the verifier name it. */
export type Size = 'u8' | 'u16' | 'u32' | 'u64'

export const sizeBits: Readonly<Record<Size, number>> = {
  u8: SizeBits.B,
  u16: SizeBits.H,
  u32: SizeBits.W,
  u64: SizeBits.DW,
}

/** How jumps compare; `s` marks the signed ones and `&` is true where a common bit is set. */
export type Condition = '==' | '!=' | '>' | '>=' | '<' | '<=' | 's>' | 's>=' | 's<' | 's<=' | '&'

export const conditionBits: Readonly<Record<Condition, number>> = {
  '==': Jmp.JEQ,
  '!=': Jmp.JNE,
  '>': Jmp.JGT,
  '>=': Jmp.JGE,
  '<': Jmp.JLT,
  '<=': Jmp.JLE,
  's>': Jmp.JSGT,
  's>=': Jmp.JSGE,
  's<': Jmp.JSLT,
  's<=': Jmp.JSLE,
  '&': Jmp.JSET,
}

export const classOf = (opcode: number): number => opcode & 0x07

export const operationOf = (opcode: number): number => opcode & 0xf0

export const sizeOf = (opcode: number): number => opcode & 0x18

export const modeOf = (opcode: number): number => opcode & 0xe0

/** Whether the second operand is the source register. */
export const usesSource = (opcode: number): boolean => (opcode & Source.X) !== 0

/** 8-byte slots an instruction takes. */
export const slotsOf = (opcode: number): 1 | 2 => (opcode === LDDW ? 2 : 1)
