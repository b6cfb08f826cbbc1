// Registers of 64 bits as pairs of 32, so that most operations need no BigInt:
//
//   word 2n     lower half of register n
//   word 2n+1   upper half
//
// Writing to a Uint32Array takes a number modulo 2^32, which the arithmetic here relies on.

export type Registers = Uint32Array

export const newRegisters = (): Registers => new Uint32Array(22)

export const lowOf = (registers: Registers, register: number): number => registers[2 * register] as number

export const highOf = (registers: Registers, register: number): number =>
  registers[2 * register + 1] as number

export const setRegister = (registers: Registers, register: number, low: number, high: number): void => {
  registers[2 * register] = low
  registers[2 * register + 1] = high
}

/** Sign-extends 32 bits. */
export const setSigned = (registers: Registers, register: number, low: number): void =>
  setRegister(registers, register, low, low >> 31)

/** The two halves as one unsigned number. */
export const bigintOf = (registers: Registers, register: number): bigint =>
  (BigInt(highOf(registers, register)) << 32n) | BigInt(lowOf(registers, register))

export const setBigint = (registers: Registers, register: number, value: bigint): void =>
  setRegister(
    registers,
    register,
    Number(BigInt.asUintN(32, value)),
    Number(BigInt.asUintN(32, value >> 32n)),
  )
