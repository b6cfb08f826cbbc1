// -m bpf: a classic program, whose two registers and scratch memory become a register and stack (net/core/filter.c makes the same of it). A load from outside of the
// packet and a division by 0 end it with 0.
//
// Registers:   r7  A     r8  the offset of a load     r9  L3 bytes
//
// Stack, from `below` down:   -8  X     -16 …  the memory words that are used, each in 8 bytes

import { type CbpfInstruction, cbpf, type Family } from 'iptables-parser'
import * as ebpf from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, type Operand, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store } from '../asm/memory.ts'
import { type Register, r1, r7, r8, r9, r10 } from '../asm/register.ts'
import { forget } from './forget.ts'
import { constant, loadNumber, type QuestionReader } from './question.ts'

const { alu, misc, mode, operation, ret, size, X } = cbpf

interface Translation {
  readonly family: Family
  readonly reader: QuestionReader
  readonly yes: Label
  readonly no: Label
}

/** Leaves for `yes` or `no`. The program must be one that cbpfObstacle has nothing against. */
export function emitCbpf(
  assembler: Assembler,
  program: readonly CbpfInstruction[],
  translation: Translation,
): void {
  const labels = program.map((_, index) => assembler.label(`cbpf_${index}`))
  assembler.emit(ebpf.movImmediate(r7, 0), ...storeX(translation.reader, r7))
  for (const [index, instruction] of program.entries()) {
    const label = labels[index]
    if (label) assembler.place(label)
    emitInstruction(assembler, instruction, translation, over => labels[index + 1 + over] ?? translation.no)
  }
}

function emitInstruction(
  assembler: Assembler,
  instruction: CbpfInstruction,
  translation: Translation,
  target: (over: number) => Label,
): void {
  const { code, k } = instruction
  const { reader, yes, no } = translation
  if (code === ret.k) assembler.emit(jump(k === 0 ? no : yes))
  else if (code === ret.a) assembler.emit(jumpIf('==', r7, immediate(0), no, 32), jump(yes))
  else if (code === misc.tax) assembler.emit(...storeX(reader, r7))
  else if (code === misc.txa) assembler.emit(loadX(reader, r7))
  else if (code === operation.st) assembler.emit(store('u64', r10, wordAt(reader, k), r7))
  else if (code === operation.stx) assembler.emit(loadX(reader, r1), store('u64', r10, wordAt(reader, k), r1))
  else if ((code & 7) === operation.jmp) emitJump(assembler, instruction, reader, target)
  else if ((code & 7) === operation.alu) emitAlu(assembler, instruction, translation)
  else emitLoad(assembler, instruction, translation)
}

const xAt = ({ below }: QuestionReader): number => below - 8
const wordAt = (reader: QuestionReader, word: number): number => xAt(reader) - 8 * (word + 1)

const storeX = (reader: QuestionReader, from: Register): Instruction[] => [
  store('u64', r10, xAt(reader), from),
]
const loadX = (reader: QuestionReader, into: Register): Instruction => load('u64', into, r10, xAt(reader))

const conditions = {
  [cbpf.jump.equal]: '==',
  [cbpf.jump.greater]: '>',
  [cbpf.jump.greaterOrEqual]: '>=',
  [cbpf.jump.set]: '&',
} as const

function emitJump(
  assembler: Assembler,
  { code, jt, jf, k }: CbpfInstruction,
  reader: QuestionReader,
  target: (over: number) => Label,
): void {
  const condition = (conditions as Partial<Record<number, (typeof conditions)[keyof typeof conditions]>>)[
    code & 0xf0
  ]
  if (!condition) return assembler.emit(jump(target(k)))
  if (code & X) assembler.emit(loadX(reader, r1))
  const operand: Operand = code & X ? register(r1) : immediate(k)
  assembler.emit(jumpIf(condition, r7, operand, target(jt), 32), jump(target(jf)))
}

type Operations = readonly [
  withConstant: (into: Register, value: number) => Instruction,
  withRegister: (into: Register, from: Register) => Instruction,
]

const operations: Readonly<Partial<Record<number, Operations>>> = {
  [alu.add]: [ebpf.addImmediate32, ebpf.add32],
  [alu.sub]: [ebpf.subImmediate32, ebpf.sub32],
  [alu.mul]: [ebpf.mulImmediate32, ebpf.mul32],
  [alu.div]: [ebpf.divImmediate32, ebpf.div32],
  [alu.mod]: [ebpf.modImmediate32, ebpf.mod32],
  [alu.or]: [ebpf.orImmediate32, ebpf.or32],
  [alu.and]: [ebpf.andImmediate32, ebpf.and32],
  [alu.xor]: [ebpf.xorImmediate32, ebpf.xor32],
  [alu.lsh]: [ebpf.lshImmediate32, ebpf.lsh32],
  [alu.rsh]: [ebpf.rshImmediate32, ebpf.rsh32],
}

const SHIFT_MASK = 31

function emitAlu(assembler: Assembler, { code, k }: CbpfInstruction, { reader, no }: Translation): void {
  const what = code & 0xf0
  const [withConstant, withRegister] = operations[what] ?? []
  if (!withConstant || !withRegister) return assembler.emit(ebpf.neg32(r7))
  if (!(code & X)) return assembler.emit(withConstant(r7, k))
  assembler.emit(loadX(reader, r1))
  if (what === alu.div || what === alu.mod) assembler.emit(jumpIf('==', r1, immediate(0), no, 32))
  if (what === alu.lsh || what === alu.rsh) assembler.emit(ebpf.andImmediate32(r1, SHIFT_MASK))
  assembler.emit(withRegister(r7, r1))
}

/** To A, or of ldx to X. */
function emitLoad(assembler: Assembler, instruction: CbpfInstruction, translation: Translation): void {
  const { reader } = translation
  const into = (instruction.code & 7) === operation.ldx ? r1 : r7
  emitValue(assembler, instruction, translation, into)
  if (into === r1) assembler.emit(...storeX(reader, r1))
}

function emitValue(
  assembler: Assembler,
  { code, k }: CbpfInstruction,
  { family, reader, no }: Translation,
  into: Register,
): void {
  const bytes = (code & 0x18) === size.byte ? 1 : (code & 0x18) === size.half ? 2 : 4
  switch (code & 0xe0) {
    case mode.imm:
      // a constant that the verifier knows would make it follow its way
      return assembler.emit(constant(into, k), ...forget(into))
    case mode.mem:
      return assembler.emit(load('u64', into, r10, wordAt(reader, k)))
    case mode.len:
      return assembler.emit(ebpf.mov32(into, r9))
    case mode.abs:
      if (k >= cbpf.ANCILLARY) return emitAncillary(assembler, k - cbpf.ANCILLARY, family, reader)
      assembler.emit(constant(r8, k))
      return loadNumber(assembler, reader, into, bytes, no)
    case mode.ind:
      assembler.emit(loadX(reader, r8), ebpf.addImmediate32(r8, k))
      return loadNumber(assembler, reader, into, bytes, no)
    default:
      assembler.emit(constant(r8, k))
      loadNumber(assembler, reader, into, 1, no)
      assembler.emit(ebpf.andImmediate32(into, 0x0f), ebpf.lshImmediate32(into, 2))
  }
}

const etherType: Readonly<Record<Family, number>> = { 4: 0x0800, 6: 0x86dd }

/** Of these two the packet says all there is to know. */
function emitAncillary(assembler: Assembler, what: number, family: Family, reader: QuestionReader): void {
  if (what === cbpf.ancillary.protocol) assembler.emit(constant(r7, etherType[family]), ...forget(r7))
  else assembler.emit(loadX(reader, r1), ebpf.xor32(r7, r1))
}
