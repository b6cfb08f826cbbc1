// Counting in the end: what is to be counted is noted in the record on the way, and counted when the packet is dropped for certain.
// Where it is passed on, nothing has been counted. The notes lie behind the record's words:
//
//     byte  0         4        8 …
//           number    note     the other notes, as many as there is room for
//           u32       u32      note = number of the counter array << 24 | index
//
// A packet that is noted more often than that is passed on.

import {
  add,
  addImmediate,
  andImmediate32,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  or,
  rshImmediate32,
} from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import { callFunction, exit, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8, r9 } from '../asm/register.ts'
import type { FunctionSpec, Hook } from '../program.ts'
import { countFunction, countFunctionName } from './count.ts'
import type { RecordLayout } from './record.ts'

const MOST_NOTES = 15
const NOTE = 4
export const LOG_SIZE = NOTE * (1 + MOST_NOTES)

const ARRAY_SHIFT = 24
const INDEX_MASK = 2 ** ARRAY_SHIFT - 1

const FLUSH = 'count_noted'
const counterName = (array: string): string => `add_${array}`

/** The functions that chains count by, which note; those that count; and the one that counts what is noted. */
export const logFunctions = (arrays: readonly string[], hook: Hook, record: RecordLayout): FunctionSpec[] => [
  ...arrays.map((array, number) => noteFunction(array, number, record)),
  ...arrays.map(array => countFunction(array, hook, counterName(array))),
  flushFunction(arrays, record),
]

const offsetOf = ({ log }: RecordLayout): number => {
  if (log === undefined) throw new RangeError('the record has no room for notes')
  return log
}

/** Of the record no more than they need: functions that go on from another program have no more (see edit/chain-code.ts). */
const parameters = (record: RecordLayout): FunctionSpec['parameters'] => [
  { name: 'index', type: { kind: 'scalar' } },
  { name: 'record', type: { kind: 'memory', size: offsetOf(record) + LOG_SIZE } },
]

function noteFunction(array: string, number: number, record: RecordLayout): FunctionSpec {
  const assembler = createAssembler()
  const log = offsetOf(record)
  const done = assembler.label('done')
  assembler.emit(
    jumpIf('==', r2, immediate(0), done),
    load('u32', r3, r2, log),
    mov(r4, r3),
    addImmediate(r4, 1),
    store('u32', r2, log, r4),
    jumpIf('>=', r3, immediate(MOST_NOTES), done),
    lshImmediate(r3, Math.log2(NOTE)),
    add(r2, r3),
    ...(number === 0 ? [] : [loadImmediate64(r3, BigInt(number) << BigInt(ARRAY_SHIFT)), or(r1, r3)]),
    store('u32', r2, log + NOTE, r1),
  )
  assembler.place(done)
  assembler.emit(movImmediate(r0, 0), exit())
  return {
    name: countFunctionName(array),
    parameters: parameters(record),
    instructions: assembler.assemble(),
  }
}

/** Counts what the packet has noted in the record r6 points to; goes to `pass` where there was more than is noted. */
export function emitFlush(assembler: Assembler, record: RecordLayout, pass: Label): void {
  assembler.emit(
    load('u32', r1, r6, offsetOf(record)),
    jumpIf('>', r1, immediate(MOST_NOTES), pass, 32),
    mov(r2, r6),
    callFunction(FLUSH),
  )
}

/** Registers: r6 the record, r7 notes counted so far, r8 how many there are, r9 the note. */
function flushFunction(arrays: readonly string[], record: RecordLayout): FunctionSpec {
  const assembler = createAssembler()
  const loop = assembler.label('note')
  const done = assembler.label('done')
  assembler.emit(mov(r6, r2), jumpIf('==', r6, immediate(0), done), mov32(r8, r1), movImmediate(r7, 0))
  assembler.place(loop)
  assembler.emit(
    jumpIf('>=', r7, immediate(MOST_NOTES), done),
    jumpIf('>=', r7, register(r8), done),
    mov(r1, r7),
    lshImmediate(r1, Math.log2(NOTE)),
    add(r1, r6),
    load('u32', r9, r1, offsetOf(record) + NOTE),
    addImmediate(r7, 1),
  )
  for (const [number, array] of arrays.entries()) {
    const other = assembler.label('array')
    const last = number === arrays.length - 1
    if (!last)
      assembler.emit(
        mov32(r1, r9),
        rshImmediate32(r1, ARRAY_SHIFT),
        jumpIf('!=', r1, immediate(number), other, 32),
      )
    assembler.emit(
      mov32(r1, r9),
      andImmediate32(r1, INDEX_MASK),
      mov(r2, r6),
      callFunction(counterName(array)),
      jump(loop),
    )
    assembler.place(other)
  }
  assembler.place(done)
  assembler.emit(movImmediate(r0, 0), exit())
  return { name: FLUSH, parameters: parameters(record), instructions: assembler.assemble() }
}
