// Comparing a field of the record with constants.

import type { Family } from 'iptables-parser'
import { and, andImmediate, andImmediate32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64 } from '../asm/memory.ts'
import { r1, r2, r3, r6 } from '../asm/register.ts'
import { type FieldName, fields } from '../field.ts'
import type { MaskTest } from '../test.ts'
import type { Point } from '../tree/interval.ts'
import { recordOffsets, sizeOf } from './record.ts'

/** Loads a field into r1; of one of 128 bits the high half. */
export function loadField(assembler: Assembler, field: FieldName, family: Family): void {
  assembler.emit(load(sizeOf(fields[field].bits(family)), r1, r6, recordOffsets[field]))
}

/** The low half of a field of 128 bits, which few comparisons need. */
const loadLow = (field: FieldName): Instruction => load('u64', r3, r6, recordOffsets[field] + 8)

/** Goes to `target` where the loaded field is below a point, and on where it is not. */
export function jumpIfBelow(assembler: Assembler, field: FieldName, point: Point, target: Label): void {
  if (typeof point === 'number') return assembler.emit(jumpIf('<', r1, immediate(point), target, 32))
  const { high, low } = halves(point)
  assembler.emit(loadImmediate64(r2, high), jumpIf('<', r1, register(r2), target))
  if (low === 0n) return
  const above = assembler.label('above')
  assembler.emit(
    jumpIf('>', r1, register(r2), above),
    loadLow(field),
    loadImmediate64(r2, low),
    jumpIf('<', r3, register(r2), target),
  )
  assembler.place(above)
}

/** Goes to `target` where the loaded field is at or above a point. */
export function jumpIfNotBelow(assembler: Assembler, field: FieldName, point: Point, target: Label): void {
  if (typeof point === 'number') return assembler.emit(jumpIf('>=', r1, immediate(point), target, 32))
  const { high, low } = halves(point)
  assembler.emit(loadImmediate64(r2, high), jumpIf(low === 0n ? '>=' : '>', r1, register(r2), target))
  if (low === 0n) return
  const below = assembler.label('below')
  assembler.emit(
    jumpIf('<', r1, register(r2), below),
    loadLow(field),
    loadImmediate64(r2, low),
    jumpIf('>=', r3, register(r2), target),
  )
  assembler.place(below)
}

/** Goes to `target` where the loaded field is another value. */
export function jumpIfNot(assembler: Assembler, field: FieldName, point: Point, target: Label): void {
  if (typeof point === 'number') return assembler.emit(jumpIf('!=', r1, immediate(point), target, 32))
  const { high, low } = halves(point)
  assembler.emit(loadImmediate64(r2, high), jumpIf('!=', r1, register(r2), target))
  assembler.emit(loadLow(field), loadImmediate64(r2, low), jumpIf('!=', r3, register(r2), target))
}

/** Loads a field and goes to `target` where `(field & mask) == value` is not what is asked. */
export function jumpUnlessMasked(assembler: Assembler, test: MaskTest, family: Family, target: Label): void {
  loadField(assembler, test.field, family)
  const matched = assembler.label('masked')
  const missed = test.negated ? matched : target
  if (typeof test.mask === 'bigint') maskWide(assembler, test.field, test.mask, BigInt(test.value), missed)
  else
    assembler.emit(andImmediate32(r1, test.mask), jumpIf('!=', r1, immediate(Number(test.value)), missed, 32))
  if (test.negated) assembler.emit(jump(target))
  assembler.place(matched)
}

function maskWide(assembler: Assembler, field: FieldName, mask: bigint, value: bigint, missed: Label): void {
  const [masks, values] = [halves(mask), halves(value)]
  assembler.emit(
    ...maskHalf(r1, masks.high),
    loadImmediate64(r2, values.high),
    jumpIf('!=', r1, register(r2), missed),
  )
  assembler.emit(
    loadLow(field),
    ...maskHalf(r3, masks.low),
    loadImmediate64(r2, values.low),
    jumpIf('!=', r3, register(r2), missed),
  )
}

const maskHalf = (half: typeof r1, mask: bigint): Instruction[] =>
  mask === 0n ? [andImmediate(half, 0)] : [loadImmediate64(r2, mask), and(half, r2)]

const halves = (point: bigint): { high: bigint; low: bigint } => ({
  high: point >> 64n,
  low: point & 0xffff_ffff_ffff_ffffn,
})
