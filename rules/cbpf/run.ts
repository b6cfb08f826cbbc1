import { EvaluationError } from '../evaluation-error.ts'
import type { Packet } from '../packet.ts'
import {
  ANCILLARY,
  alu,
  ancillary,
  type CbpfInstruction,
  jump,
  misc,
  mode,
  NETWORK,
  operation,
  ret,
  size,
  X,
} from './instruction.ts'

/** The two registers and the scratch memory: unsigned 32-bit numbers. */
interface Machine {
  a: number
  x: number
  readonly memory: Uint32Array
}

/** A load from outside of the packet, or a division by 0: the program returns 0. */
const OUTSIDE = Symbol('outside')

/** What a checked program returns for a packet, which it sees from its network header on. Throws EvaluationError where it asks for more. */
export function runProgram(program: readonly CbpfInstruction[], packet: Packet): number {
  const machine: Machine = { a: 0, x: 0, memory: new Uint32Array(16) }
  for (let index = 0; ; index++) {
    const instruction = program[index]
    if (!instruction) throw new RangeError('a program without a return')
    if (instruction.code === ret.k) return instruction.k
    if (instruction.code === ret.a) return machine.a
    if ((instruction.code & 7) === operation.jmp) index += passedOver(instruction, machine)
    else if (step(instruction, machine, packet) === OUTSIDE) return 0
  }
}

function passedOver({ code, jt, jf, k }: CbpfInstruction, { a, x }: Machine): number {
  const operand = code & X ? x : k
  const held = ((): boolean | undefined => {
    switch (code & 0xf0) {
      case jump.equal:
        return a === operand
      case jump.greater:
        return a > operand
      case jump.greaterOrEqual:
        return a >= operand
      case jump.set:
        return (a & operand) !== 0
      default:
        return undefined
    }
  })()
  if (held === undefined) return k
  return held ? jt : jf
}

function step(instruction: CbpfInstruction, machine: Machine, packet: Packet): typeof OUTSIDE | undefined {
  const { code, k } = instruction
  if (code === misc.tax) machine.x = machine.a
  else if (code === misc.txa) machine.a = machine.x
  else if (code === operation.st) machine.memory[k] = machine.a
  else if (code === operation.stx) machine.memory[k] = machine.x
  else {
    const value =
      (code & 7) === operation.alu ? compute(instruction, machine) : load(instruction, machine, packet)
    if (value === OUTSIDE) return OUTSIDE
    if ((code & 7) === operation.ldx) machine.x = value
    else machine.a = value
  }
  return undefined
}

/** 32 bits wide, as eBPF's 32-bit instructions, which the kernel turns it into: shifts count modulo 32. */
function compute({ code, k }: CbpfInstruction, { a, x }: Machine): number | typeof OUTSIDE {
  const operand = code & X ? x : k
  switch (code & 0xf0) {
    case alu.add:
      return (a + operand) >>> 0
    case alu.sub:
      return (a - operand) >>> 0
    case alu.mul:
      return Math.imul(a, operand) >>> 0
    case alu.div:
      return operand === 0 ? OUTSIDE : Math.floor(a / operand)
    case alu.mod:
      return operand === 0 ? OUTSIDE : a % operand
    case alu.or:
      return (a | operand) >>> 0
    case alu.and:
      return (a & operand) >>> 0
    case alu.xor:
      return (a ^ operand) >>> 0
    case alu.lsh:
      return (a << operand) >>> 0
    case alu.rsh:
      return a >>> operand
    default:
      return -a >>> 0
  }
}

function load({ code, k }: CbpfInstruction, machine: Machine, packet: Packet): number | typeof OUTSIDE {
  switch (code & 0xe0) {
    case mode.imm:
      return k
    case mode.mem:
      return machine.memory[k] ?? 0
    case mode.len:
      return packet.bytes.length
    case mode.abs:
      return k >= ANCILLARY ? loadAncillary(k - ANCILLARY, machine, packet) : loadBytes(k, code, packet)
    case mode.ind:
      return loadBytes((machine.x + k) >>> 0, code, packet)
    default: {
      const first = loadBytes(k, operation.ld | size.byte, packet)
      return first === OUTSIDE ? OUTSIDE : (first & 15) * 4
    }
  }
}

function loadAncillary(what: number, { a, x }: Machine, { family, mark = 0 }: Packet): number {
  if (what === ancillary.protocol) return family === 4 ? 0x0800 : 0x86dd
  if (what === ancillary.mark) return mark
  if (what === ancillary.xor) return (a ^ x) >>> 0
  throw new EvaluationError(`the packet does not say what a program finds at ancillary offset ${what}`)
}

function loadBytes(offset: number, code: number, { bytes }: Packet): number | typeof OUTSIDE {
  if (offset >= 0x8000_0000 && offset < NETWORK)
    throw new EvaluationError('the packet does not say what its link-layer header is')
  const at = offset >= NETWORK ? offset - NETWORK : offset
  const width = (code & 0x18) === size.byte ? 1 : (code & 0x18) === size.half ? 2 : 4
  if (at + width > bytes.length) return OUTSIDE
  return bytes.subarray(at, at + width).reduce((value, byte) => value * 256 + byte, 0)
}
