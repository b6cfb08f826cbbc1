// One instruction as text, the way the kernel's verifier and bpftool write it; names stand where the kernel would
// show a number it made up (maps, functions, members of kernel structures).

import { jumpDistance } from './encode.ts'
import { helperName } from './helper.ts'
import type { Instruction, Relocation } from './instruction.ts'
import {
  Alu,
  Atomic,
  CALL,
  Class,
  classOf,
  EXIT,
  GOTOL,
  Jmp,
  LDDW,
  Mode,
  modeOf,
  operationOf,
  type Size,
  SizeBits,
  Source,
  sizeOf,
  usesSource,
} from './opcode.ts'

const aluOperators = new Map<number, string>([
  [Alu.ADD, '+='],
  [Alu.SUB, '-='],
  [Alu.MUL, '*='],
  [Alu.DIV, '/='],
  [Alu.OR, '|='],
  [Alu.AND, '&='],
  [Alu.LSH, '<<='],
  [Alu.RSH, '>>='],
  [Alu.MOD, '%='],
  [Alu.XOR, '^='],
  [Alu.MOV, '='],
  [Alu.ARSH, 's>>='],
])

const comparisons = new Map<number, string>([
  [Jmp.JEQ, '=='],
  [Jmp.JGT, '>'],
  [Jmp.JGE, '>='],
  [Jmp.JSET, '&'],
  [Jmp.JNE, '!='],
  [Jmp.JSGT, 's>'],
  [Jmp.JSGE, 's>='],
  [Jmp.JLT, '<'],
  [Jmp.JLE, '<='],
  [Jmp.JSLT, 's<'],
  [Jmp.JSLE, 's<='],
])

const atomicOperators = new Map<number, string>([
  [Atomic.ADD, '+='],
  [Atomic.OR, '|='],
  [Atomic.AND, '&='],
  [Atomic.XOR, '^='],
])

const atomicFetches = new Map<number, string>([
  [Atomic.ADD | Atomic.FETCH, 'fetch_add'],
  [Atomic.OR | Atomic.FETCH, 'fetch_or'],
  [Atomic.AND | Atomic.FETCH, 'fetch_and'],
  [Atomic.XOR | Atomic.FETCH, 'fetch_xor'],
  [Atomic.XCHG, 'xchg'],
])

const sizeNames = new Map<number, Size>([
  [SizeBits.B, 'u8'],
  [SizeBits.H, 'u16'],
  [SizeBits.W, 'u32'],
  [SizeBits.DW, 'u64'],
])

const sizeName = (opcode: number): Size => sizeNames.get(sizeOf(opcode)) ?? 'u8'

const unknown = (opcode: number): string => `(${opcode.toString(16).padStart(2, '0')})`

/** 0x16, -0x1: comparisons and wide immediates are written in hexadecimal. */
const hexadecimal = (value: number | bigint): string =>
  value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`)

/** What the `offset` field means for memory: (r10 -8), or the member of a structure. */
const address = (base: number, { offset, relocation }: Instruction): string =>
  relocation?.kind === 'member'
    ? `(r${base} + ${relocation.struct}.${relocation.member.join('.')})`
    : `(r${base} ${signed(offset)})`

const swapText = ({ opcode, dst, immediate }: Instruction): string => {
  const name = classOf(opcode) === Class.ALU64 ? 'bswap' : usesSource(opcode) ? 'be' : 'le'
  return `r${dst} = ${name}${immediate} r${dst}`
}

/** A number that only a kernel knows. */
const constantText = (relocation: Relocation): string => {
  switch (relocation.kind) {
    case 'type':
      return `btf_id(${relocation.struct})`
    case 'size':
      return `sizeof(${relocation.struct})`
    case 'has-member':
      return `exists(${relocation.struct}.${relocation.member.join('.')})`
    case 'enumerator':
      return relocation.name
    case 'ticks':
      return 'HZ'
    case 'open-loop':
      return 'exists(may_goto) * -1'
    case 'member':
      return `offsetof(${relocation.struct}.${relocation.member.join('.')})`
    default:
      return relocation.kind
  }
}

const aluText = (instruction: Instruction): string => {
  const { opcode, dst, src, offset, immediate, relocation } = instruction
  const letter = classOf(opcode) === Class.ALU64 ? 'r' : 'w'
  const operation = operationOf(opcode)
  if (operation === Alu.END) return swapText(instruction)
  if (operation === Alu.NEG) return `${letter}${dst} = -${letter}${dst}`
  const operator = aluOperators.get(operation)
  if (!operator) return unknown(opcode)
  if (relocation) return `${letter}${dst} ${operator} ${constantText(relocation)}`
  const isDivision = operation === Alu.DIV || operation === Alu.MOD
  const prefix = isDivision && offset === 1 ? 's' : ''
  const cast = operation === Alu.MOV && offset !== 0 ? `(s${offset})` : ''
  const operand = usesSource(opcode) ? `${cast}${letter}${src}` : `${immediate}`
  return `${letter}${dst} ${prefix}${operator} ${operand}`
}

const atomicText = (instruction: Instruction): string => {
  const { opcode, dst, src } = instruction
  const operation = Number(instruction.immediate)
  const size = sizeName(opcode)
  const at = address(dst, instruction)
  const operator = atomicOperators.get(operation)
  if (operator) return `lock *(${size} *)${at} ${operator} r${src}`
  const atomic = size === 'u64' ? 'atomic64' : 'atomic'
  const pointer = `(${size} *)${at}`
  if (operation === Atomic.CMPXCHG) return `r0 = ${atomic}_cmpxchg(${pointer}, r0, r${src})`
  const fetch = atomicFetches.get(operation)
  return fetch ? `r${src} = ${atomic}_${fetch}(${pointer}, r${src})` : unknown(opcode)
}

const wideText = ({ dst, immediate, relocation }: Instruction): string => {
  if (relocation?.kind === 'map') return `r${dst} = map[${relocation.map}]`
  if (relocation?.kind === 'map-value') return `r${dst} = map[${relocation.map}][0]+${relocation.offset}`
  if (relocation?.kind === 'cgroup') return `r${dst} = cgroup[${relocation.path}]`
  return `r${dst} = ${hexadecimal(BigInt.asUintN(64, BigInt(immediate)))}`
}

const memoryText = (instruction: Instruction): string => {
  const { opcode, dst, src, immediate } = instruction
  const size = sizeName(opcode)
  const sized = modeOf(opcode) === Mode.MEMSX ? size.replace('u', 's') : size
  switch (classOf(opcode)) {
    case Class.LDX:
      return `r${dst} = *(${sized} *)${address(src, instruction)}`
    case Class.ST:
      return `*(${size} *)${address(dst, instruction)} = ${immediate}`
    case Class.STX:
      if (modeOf(opcode) === Mode.ATOMIC) return atomicText(instruction)
      return `*(${size} *)${address(dst, instruction)} = r${src}`
    default:
      return unknown(opcode)
  }
}

const callText = ({ src, immediate, relocation }: Instruction): string => {
  if (relocation?.kind === 'function' || relocation?.kind === 'kfunc') return `call ${relocation.name}`
  if (src !== 0) return `call pc${signed(Number(immediate))}`
  const name = helperName(Number(immediate))
  return name ? `call ${name}#${immediate}` : `call #${immediate}`
}

const jumpText = (instruction: Instruction, nameTarget: (distance: number) => string): string => {
  const { opcode, dst, src, immediate } = instruction
  if (opcode === CALL) return callText(instruction)
  if (opcode === EXIT) return 'exit'
  const target = nameTarget(jumpDistance(instruction) ?? 0)
  if (opcode === GOTOL) return `gotol ${target}`
  if (operationOf(opcode) === Jmp.JA) return `goto ${target}`
  const comparison = comparisons.get(operationOf(opcode))
  if (!comparison) return unknown(opcode)
  const letter = classOf(opcode) === Class.JMP32 ? 'w' : 'r'
  const unsigned = letter === 'w' && !comparison.startsWith('s')
  const value = unsigned ? Number(immediate) >>> 0 : immediate
  const operand = (opcode & Source.X) !== 0 ? `${letter}${src}` : hexadecimal(value)
  return `if ${letter}${dst} ${comparison} ${operand} goto ${target}`
}

/** `nameTarget` turns the distance of a jump into what stands behind its `goto`; by default that is pc+N. */
export const disassemble = (
  instruction: Instruction,
  nameTarget: (distance: number) => string = distance => `pc${signed(distance)}`,
): string => {
  if (instruction.opcode === LDDW) return wideText(instruction)
  switch (classOf(instruction.opcode)) {
    case Class.ALU:
    case Class.ALU64:
      return aluText(instruction)
    case Class.JMP:
    case Class.JMP32:
      return jumpText(instruction, nameTarget)
    default:
      return memoryText(instruction)
  }
}
