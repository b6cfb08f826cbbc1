// Comparing a field of the record with constants.

import { and, andImmediate, andImmediate32 } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64 } from '../asm/memory.ts'
import { r1, r2, r3, r6 } from '../asm/register.ts'
import { type FieldName, fieldOf } from '../field.ts'
import type { MaskTest } from '../test.ts'
import type { Point } from '../tree/interval.ts'
import type { Frame } from './frame.ts'
import { sizeOf } from './record.ts'

/** A field of the record and what is to be compared with. */
export type Comparing = Pick<Frame, 'assembler' | 'family' | 'record'>

/** Loads a field into r1; of one of 128 bits the high half. */
export function loadField({ assembler, family, record }: Comparing, field: FieldName): void {
  assembler.emit(load(sizeOf(fieldOf(field).bits(family)), r1, r6, record.offset(field)))
}

/** The low half of a field of 128 bits, which few comparisons need. */
const loadLow = ({ record }: Comparing, field: FieldName): Instruction =>
  load('u64', r3, r6, record.offset(field) + 8)

/** Goes to `target` where the loaded field is below a point, and on where it is not. */
export function jumpIfBelow(frame: Comparing, field: FieldName, point: Point, target: Label): void {
  const { assembler } = frame
  if (typeof point === 'number') return assembler.emit(jumpIf('<', r1, immediate(point), target, 32))
  const [high, low] = wordsOf(frame, field, point)
  assembler.emit(loadImmediate64(r2, high), jumpIf('<', r1, register(r2), target))
  if (!low) return
  const above = assembler.label('above')
  assembler.emit(
    jumpIf('>', r1, register(r2), above),
    loadLow(frame, field),
    loadImmediate64(r2, low),
    jumpIf('<', r3, register(r2), target),
  )
  assembler.place(above)
}

/** Goes to `target` where the loaded field is at or above a point. */
export function jumpIfNotBelow(frame: Comparing, field: FieldName, point: Point, target: Label): void {
  const { assembler } = frame
  if (typeof point === 'number') return assembler.emit(jumpIf('>=', r1, immediate(point), target, 32))
  const [high, low] = wordsOf(frame, field, point)
  assembler.emit(loadImmediate64(r2, high), jumpIf(low ? '>' : '>=', r1, register(r2), target))
  if (!low) return
  const below = assembler.label('below')
  assembler.emit(
    jumpIf('<', r1, register(r2), below),
    loadLow(frame, field),
    loadImmediate64(r2, low),
    jumpIf('>=', r3, register(r2), target),
  )
  assembler.place(below)
}

/** Goes to `target` where the loaded field is another value. */
export function jumpIfNot(frame: Comparing, field: FieldName, point: Point, target: Label): void {
  const { assembler } = frame
  if (typeof point === 'number') return assembler.emit(jumpIf('!=', r1, immediate(point), target, 32))
  const [high, low] = wordsOf(frame, field, point)
  assembler.emit(loadImmediate64(r2, high), jumpIf('!=', r1, register(r2), target))
  if (low === undefined) return
  assembler.emit(loadLow(frame, field), loadImmediate64(r2, low), jumpIf('!=', r3, register(r2), target))
}

/** Loads a field and goes to `target` where `(field & mask) == value` is not what is asked. */
export function jumpUnlessMasked(frame: Comparing, test: MaskTest, target: Label): void {
  const { assembler } = frame
  loadField(frame, test.field)
  const matched = assembler.label('masked')
  const missed = test.negated ? matched : target
  if (typeof test.mask === 'bigint') maskWide(frame, test.field, test.mask, BigInt(test.value), missed)
  else
    assembler.emit(andImmediate32(r1, test.mask), jumpIf('!=', r1, immediate(Number(test.value)), missed, 32))
  if (test.negated) assembler.emit(jump(target))
  assembler.place(matched)
}

function maskWide(frame: Comparing, field: FieldName, mask: bigint, value: bigint, missed: Label): void {
  const [highMask, lowMask] = wordsOf(frame, field, mask)
  const [highValue, lowValue] = wordsOf(frame, field, value)
  const { assembler } = frame
  assembler.emit(
    ...maskWord(r1, highMask),
    loadImmediate64(r2, highValue),
    jumpIf('!=', r1, register(r2), missed),
  )
  if (lowMask === undefined || lowValue === undefined) return
  assembler.emit(
    loadLow(frame, field),
    ...maskWord(r3, lowMask),
    loadImmediate64(r2, lowValue),
    jumpIf('!=', r3, register(r2), missed),
  )
}

const maskWord = (word: typeof r1, mask: bigint): Instruction[] =>
  mask === 0n ? [andImmediate(word, 0)] : [loadImmediate64(r2, mask), and(word, r2)]

/** A value of a wide field in words of 64 bits, the high one first. */
const wordsOf = ({ family }: Comparing, field: FieldName, point: bigint): readonly [bigint, bigint?] =>
  fieldOf(field).bits(family) === 64 ? [point] : [point >> 64n, point & 0xffff_ffff_ffff_ffffn]
