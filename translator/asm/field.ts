// The ranges of an instruction's fields. Every constructor goes through here, so that a number that does not
// fit is an error where it was written and not a wrong bit in the program.

import { AssemblyError } from './error.ts'

const inRange = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

const refuse = (what: string, value: number | bigint, range: string): never => {
  throw new AssemblyError('ERR_ASM_RANGE', `${what} ${value} is not a whole number of ${range}`)
}

/** The signed 16-bit `off` field. */
export const offset16 = (value: number): number =>
  inRange(value, -0x8000, 0x7fff) ? value : refuse('offset', value, '16 signed bits')

/**
 * The immediate of a 64-bit operation, which the machine sign-extends: 0x80000000 and above do not exist there,
 * and are to be had with loadImmediate64.
 */
export const immediate32 = (value: number): number =>
  inRange(value, -0x8000_0000, 0x7fff_ffff) ? value : refuse('immediate', value, '32 signed bits')

/** The immediate of a 32-bit operation, for which -1 and 0xffffffff are the same. */
export const immediateWord = (value: number): number =>
  inRange(value, -0x8000_0000, 0xffff_ffff) ? value | 0 : refuse('immediate', value, '32 bits')

/** The immediate of LDDW, kept as the signed number of the same bits. */
export const immediate64 = (value: number | bigint): bigint => {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return refuse('immediate', value, '53 bits')
  const wide = BigInt(value)
  if (wide < -(1n << 63n) || wide >= 1n << 64n) return refuse('immediate', wide, '64 bits')
  return BigInt.asIntN(64, wide)
}
