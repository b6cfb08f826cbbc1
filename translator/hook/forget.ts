// Making the verifier forget what it has learnt, where it would follow the code behind once for every way there.

import { mov, movImmediate, xor } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callFunction, exit } from '../asm/jump.ts'
import { load } from '../asm/memory.ts'
import { type Register, r0, r1, r6, r9 } from '../asm/register.ts'
import { LENGTH_OFFSET, type RecordLayout } from '../emit/record.ts'
import type { FunctionSpec } from '../program.ts'

/** Leaves a number as it is, but the verifier knows nothing of it any more, as little as of the other. Packet lengths in r9 are unknown to it. */
export const forget = (number: Register, unknown: Register = r9): Instruction[] => [
  xor(number, unknown),
  xor(number, unknown),
]

export const FORGET_FUNCTION = 'forget'

/**
 * Does nothing. But a function with global linkage may have written to all memory that it was given, so behind a call of it one state stands for
 * every record.
 */
export const forgetFunction = ({ size }: RecordLayout): FunctionSpec => ({
  name: FORGET_FUNCTION,
  parameters: [{ name: 'record', type: { kind: 'memory', size } }],
  instructions: [movImmediate(r0, 0), exit()],
})

/** Makes it forget the record, and what it knows of the L3 bytes in r9. Keeps r6 to r9. */
export const forgetRecord = (): Instruction[] => [
  mov(r1, r6),
  callFunction(FORGET_FUNCTION),
  load('u32', r9, r6, LENGTH_OFFSET),
]
