// Arithmetic as RFC 9669, section 4 has it. Where the RFC and C differ: division by zero gives zero, modulo zero the
// dividend; shifts count modulo the width; a 32-bit operation clears the upper half of its result.

import { Alu } from '../asm/opcode.ts'
import { bigintOf, highOf, lowOf, type Registers, setBigint, setRegister } from './register-file.ts'

/** Second operand of an operation, by its halves. */
export interface Operand {
  readonly low: number
  readonly high: number
}

const wideOperand = ({ low, high }: Operand): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)

const divide = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a / b)

const modulo = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b)

/** Multiplication and division of either width, by BigInt; `signed` for the division of the v4 instruction set. */
const multiplicative = (operation: number, a: bigint, b: bigint, bits: number, signed: boolean): bigint => {
  if (operation === Alu.MUL) return a * b
  const as = signed ? BigInt.asIntN(bits, a) : a
  const bs = signed ? BigInt.asIntN(bits, b) : b
  return operation === Alu.DIV ? divide(as, bs) : modulo(as, bs)
}

const shiftLeft = (registers: Registers, dst: number, count: number): void => {
  const low = lowOf(registers, dst)
  const high = highOf(registers, dst)
  if (count === 0) return
  if (count >= 32) setRegister(registers, dst, 0, low << (count - 32))
  else setRegister(registers, dst, low << count, (high << count) | (low >>> (32 - count)))
}

const shiftRight = (registers: Registers, dst: number, count: number): void => {
  const low = lowOf(registers, dst)
  const high = highOf(registers, dst)
  if (count === 0) return
  if (count >= 32) setRegister(registers, dst, high >>> (count - 32), 0)
  else setRegister(registers, dst, (low >>> count) | (high << (32 - count)), high >>> count)
}

const shiftRightSigned = (registers: Registers, dst: number, count: number): void => {
  const low = lowOf(registers, dst)
  const high = highOf(registers, dst)
  if (count === 0) return
  if (count >= 32) setRegister(registers, dst, high >> (count - 32), high >> 31)
  else setRegister(registers, dst, (low >>> count) | (high << (32 - count)), high >> count)
}

/** A sign-extending move from the lower 8, 16 or 32 bits. */
const signExtend = (low: number, bits: number): number => (low << (32 - bits)) >> (32 - bits)

const addHalves = (registers: Registers, dst: number, { low, high }: Operand): void => {
  const sum = lowOf(registers, dst) + low
  setRegister(registers, dst, sum, highOf(registers, dst) + high + (sum > 0xffff_ffff ? 1 : 0))
}

const subtractHalves = (registers: Registers, dst: number, { low, high }: Operand): void => {
  const difference = lowOf(registers, dst) - low
  setRegister(registers, dst, difference, highOf(registers, dst) - high - (difference < 0 ? 1 : 0))
}

/** dst = dst `operation` operand, 64 bits. Whether the operation exists. */
export const alu64 = (
  registers: Registers,
  operation: number,
  dst: number,
  operand: Operand,
  offset: number,
): boolean => {
  const { low, high } = operand
  switch (operation) {
    case Alu.MOV:
      if (offset === 0) setRegister(registers, dst, low, high)
      else setRegister(registers, dst, signExtend(low, offset), signExtend(low, offset) >> 31)
      return true
    case Alu.ADD:
      addHalves(registers, dst, operand)
      return true
    case Alu.SUB:
      subtractHalves(registers, dst, operand)
      return true
    case Alu.AND:
      setRegister(registers, dst, lowOf(registers, dst) & low, highOf(registers, dst) & high)
      return true
    case Alu.OR:
      setRegister(registers, dst, lowOf(registers, dst) | low, highOf(registers, dst) | high)
      return true
    case Alu.XOR:
      setRegister(registers, dst, lowOf(registers, dst) ^ low, highOf(registers, dst) ^ high)
      return true
    case Alu.LSH:
      shiftLeft(registers, dst, low & 63)
      return true
    case Alu.RSH:
      shiftRight(registers, dst, low & 63)
      return true
    case Alu.ARSH:
      shiftRightSigned(registers, dst, low & 63)
      return true
    case Alu.NEG:
      setBigint(registers, dst, -bigintOf(registers, dst))
      return true
    case Alu.MUL:
    case Alu.DIV:
    case Alu.MOD: {
      const result = multiplicative(
        operation,
        bigintOf(registers, dst),
        wideOperand(operand),
        64,
        offset === 1,
      )
      setBigint(registers, dst, result)
      return true
    }
    default:
      return false
  }
}

/** The result of a 32-bit operation, of which the lower 32 bits count; undefined for an operation that does not exist. */
const result32 = (operation: number, a: number, b: number, offset: number): number | undefined => {
  switch (operation) {
    case Alu.MOV:
      return offset === 0 ? b : signExtend(b, offset)
    case Alu.ADD:
      return a + b
    case Alu.SUB:
      return a - b
    case Alu.AND:
      return a & b
    case Alu.OR:
      return a | b
    case Alu.XOR:
      return a ^ b
    case Alu.LSH:
      return a << (b & 31)
    case Alu.RSH:
      return a >>> (b & 31)
    case Alu.ARSH:
      return a >> (b & 31)
    case Alu.NEG:
      return -a
    case Alu.MUL:
    case Alu.DIV:
    case Alu.MOD:
      return Number(
        BigInt.asUintN(32, multiplicative(operation, BigInt(a), BigInt(b >>> 0), 32, offset === 1)),
      )
    default:
      return undefined
  }
}

/** The same for the lower halves. Whether the operation exists. */
export const alu32 = (
  registers: Registers,
  operation: number,
  dst: number,
  operand: Operand,
  offset: number,
): boolean => {
  const result = result32(operation, lowOf(registers, dst), operand.low, offset)
  if (result === undefined) return false
  setRegister(registers, dst, result, 0)
  return true
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff)

const swap32 = (value: number): number => (swap16(value) << 16) | swap16(value >>> 16)

/** Byte order: to big endian, to little endian (a truncation, as the machine is one) or the other one. Whether such a width exists. */
export const swapBytes = (registers: Registers, dst: number, bits: number, swap: boolean): boolean => {
  const low = lowOf(registers, dst)
  if (bits === 16) setRegister(registers, dst, swap ? swap16(low) : low & 0xffff, 0)
  else if (bits === 32) setRegister(registers, dst, swap ? swap32(low) : low, 0)
  else if (bits !== 64) return false
  else if (swap) setRegister(registers, dst, swap32(highOf(registers, dst)), swap32(low))
  return true
}
