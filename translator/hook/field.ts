// Stores of the record's fields, as prologues emit them.

import type { Instruction } from '../asm/instruction.ts'
import { store, storeImmediate } from '../asm/memory.ts'
import { type Register, r6 } from '../asm/register.ts'
import { sizeOf } from '../emit/record.ts'
import { type FieldName, fieldOf } from '../field.ts'
import type { PrologueRequest } from './hook.ts'

type Asking = Pick<PrologueRequest, 'family' | 'record'>

/** Puts a register into a field; for one of 128 bits, into the half at `half` bytes. */
export const storeField = (
  { family, record }: Asking,
  field: FieldName,
  register: Register,
  half: 0 | 8 = 0,
): Instruction => store(sizeOf(fieldOf(field).bits(family)), r6, record.offset(field) + half, register)

export const setField = ({ family, record }: Asking, field: FieldName, value: number): Instruction =>
  storeImmediate(sizeOf(fieldOf(field).bits(family)), r6, record.offset(field), value)
