// -m u32: numbers at places of the packet, some of which the packet itself tells (net/netfilter/xt_u32.c). A test that looks beyond the end of the packet does not hold.
//
// Registers:   r7  where places count from     r8  the place     r1  the number

import type { U32Test } from 'iptables-parser'
import { add, andImmediate32, lshImmediate32, mov, movImmediate, rshImmediate32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r1, r2, r7, r8 } from '../asm/register.ts'
import { constant, loadNumber, type QuestionReader } from './question.ts'

/** Goes on where all tests hold, else to `no`. */
export function emitU32(
  assembler: Assembler,
  tests: readonly U32Test[],
  reader: QuestionReader,
  no: Label,
): void {
  for (const { location, values } of tests) {
    emitLocation(assembler, location, reader, no)
    emitValues(assembler, values, no)
  }
}

function emitLocation(
  assembler: Assembler,
  { start, steps }: U32Test['location'],
  reader: QuestionReader,
  no: Label,
): void {
  assembler.emit(movImmediate(r7, 0), constant(r8, start))
  loadNumber(assembler, reader, r1, 4, no)
  for (const { operator, number } of steps) {
    if (operator === '&') assembler.emit(andImmediate32(r1, number))
    else if (operator === '<<') assembler.emit(lshImmediate32(r1, number))
    else if (operator === '>>') assembler.emit(rshImmediate32(r1, number))
    else {
      // ten steps of 32 bits do not overflow 64
      assembler.emit(add(r7, r1), mov(r8, r7), constant(r2, number), add(r8, r2))
      loadNumber(assembler, reader, r1, 4, no)
    }
  }
}

const LAST = 0xffff_ffff

function emitValues(assembler: Assembler, values: U32Test['values'], no: Label): void {
  const holds = assembler.label('holds')
  for (const { low, high } of values) {
    const next = assembler.label('next_value')
    if (low > 0) assembler.emit(jumpIf('<', r1, immediate(low), next, 32))
    if (high < LAST) assembler.emit(jumpIf('>', r1, immediate(high), next, 32))
    assembler.emit(jump(holds))
    assembler.place(next)
  }
  assembler.emit(jump(no))
  assembler.place(holds)
}
