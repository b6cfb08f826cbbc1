// Questions about what stands inside of an IPv6 extension header that was found: addresses, segments, options.
//
// Registers:   r7  options: where the header ends; addresses: how many were passed     r8  the offset of a read
//
// Stack, from `below` down:   -8  addresses: how many of those asked for were met

import {
  add,
  addImmediate,
  and,
  lshImmediate,
  mov,
  movImmediate,
  rshImmediate,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { type ExtensionKind, headerPlace } from '../extension-field.ts'
import type { Question } from '../question.ts'
import { forget } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import { loadNumber, type QuestionReader } from './question.ts'

export interface HeaderAsking {
  readonly request: PrologueRequest
  readonly reader: QuestionReader
  readonly no: Label
}

type Asked<K extends Question['kind']> = Extract<Question, { kind: K }>

const ADDRESS_BYTES = 16
/** Before the addresses of a routing header. */
const FIXED_BYTES = 8
/** As many as a header of 2,048 bytes has. */
const MOST_ADDRESSES = 127

/** The offset of the header to r8; goes to `no` where there is none. */
function loadPlace(assembler: Assembler, { request, no }: HeaderAsking, kind: ExtensionKind): void {
  assembler.emit(
    load('u32', r8, r6, request.record.offset(kind)),
    ...forget(r8),
    jumpIf('<', r8, immediate(headerPlace.first), no),
  )
}

/** 16 bytes at the offset in r8 to where r0 points. */
function readAddress(assembler: Assembler, { reader }: HeaderAsking, outside: Label): void {
  assembler.emit(mov(r1, r8), addImmediate(r1, ADDRESS_BYTES), jumpIf('>', r1, register(r9), outside))
  reader.readAny(assembler, 'transport', ADDRESS_BYTES, outside)
}

/** Eight bytes as they stand, as the little-endian machine has them. */
const asRead = (number: bigint): bigint =>
  Array.from(
    { length: 8 },
    (_, byte) => ((number >> BigInt(8 * byte)) & 0xffn) << BigInt(56 - 8 * byte),
  ).reduce((all, byte) => all | byte, 0n)

const HALF = (1n << 64n) - 1n

/** Goes to `other` unless the address r0 points to agrees under the mask. */
function compareAddress(assembler: Assembler, address: bigint, mask: bigint, other: Label): void {
  for (const [offset, shift] of [
    [0, 64n],
    [8, 0n],
  ] as const) {
    const bits = (mask >> shift) & HALF
    if (bits === 0n) continue
    assembler.emit(load('u64', r1, r0, offset))
    if (bits !== HALF) assembler.emit(loadImmediate64(r2, asRead(bits)), and(r1, r2))
    assembler.emit(
      loadImmediate64(r2, asRead((address >> shift) & bits)),
      jumpIf('!=', r1, register(r2), other),
    )
  }
}

const EVERY_BIT = (1n << 128n) - 1n

/** The header lists the addresses one behind the other from its first on. */
export function emitAddresses(
  assembler: Assembler,
  { addresses }: Asked<'addresses'>,
  asking: HeaderAsking,
): void {
  for (const [index, address] of addresses.entries()) {
    loadPlace(assembler, asking, 'routing')
    assembler.emit(addImmediate(r8, FIXED_BYTES + index * ADDRESS_BYTES))
    readAddress(assembler, asking, asking.no)
    compareAddress(assembler, BigInt(address), EVERY_BIT, asking.no)
  }
}

/** The header lists the addresses in this order, maybe with others between them. How many were met stands on the stack, unknown to the verifier: it follows one walk. */
export function emitAddressesAmong(
  assembler: Assembler,
  { addresses }: Asked<'addresses-among'>,
  asking: HeaderAsking,
): void {
  const met = asking.reader.below - 8
  const loop = assembler.label('address')
  const all = assembler.label('all_met')
  const storeMet = (count: number): Instruction[] => [
    movImmediate(r1, count),
    ...forget(r1),
    store('u64', r10, met, r1),
  ]
  assembler.emit(movImmediate(r7, 0), ...storeMet(0))
  assembler.place(loop)
  readNextAddress(assembler, asking)
  assembler.emit(load('u64', r3, r10, met), ...forget(r3))
  for (const [index, address] of addresses.entries()) {
    const other = assembler.label('other_address')
    assembler.emit(jumpIf('!=', r3, immediate(index), other))
    compareAddress(assembler, BigInt(address), EVERY_BIT, loop)
    if (index === addresses.length - 1) assembler.emit(jump(all))
    else assembler.emit(...storeMet(index + 1), jump(loop))
    assembler.place(other)
  }
  assembler.emit(jump(asking.no))
  assembler.place(all)
}

/** The address with the number in r7, which it counts up, to where r0 points; goes to `no` behind the last. */
function readNextAddress(assembler: Assembler, asking: HeaderAsking): void {
  const { request, no } = asking
  assembler.emit(
    jumpIf('>=', r7, immediate(MOST_ADDRESSES), no),
    load('u16', r1, r6, request.record.offset('routing-length')),
    subImmediate(r1, FIXED_BYTES),
    rshImmediate(r1, 4),
    jumpIf('>=', r7, register(r1), no),
  )
  loadPlace(assembler, asking, 'routing')
  assembler.emit(
    mov(r1, r7),
    lshImmediate(r1, 4),
    add(r8, r1),
    addImmediate(r8, FIXED_BYTES),
    addImmediate(r7, 1),
  )
  readAddress(assembler, asking, no)
}

/** A segment of the list agrees with a prefix, or does not. One that is not there does neither. */
export function emitSegment(
  assembler: Assembler,
  { which, address, mask, negated }: Asked<'segment'>,
  asking: HeaderAsking,
): void {
  const { request, no } = asking
  const other = assembler.label('other_segment')
  const same = assembler.label('same_segment')
  loadPlace(assembler, asking, 'routing')
  assembler.emit(
    ...indexOf[which](request, no),
    lshImmediate(r1, 4),
    add(r8, r1),
    addImmediate(r8, FIXED_BYTES),
  )
  readAddress(assembler, asking, no)
  compareAddress(assembler, BigInt(address), BigInt(mask), other)
  assembler.emit(jump(negated ? no : same))
  assembler.place(other)
  if (!negated) assembler.emit(jump(no))
  assembler.place(same)
}

const loadLeft = ({ record }: PrologueRequest): Instruction =>
  load('u8', r1, r6, record.offset('segments-left'))

/** The index of a segment to r1. */
const indexOf: Readonly<
  Record<Asked<'segment'>['which'], (request: PrologueRequest, no: Label) => readonly Instruction[]>
> = {
  previous: (request, no) => [
    loadLeft(request),
    load('u8', r2, r6, request.record.offset('last-entry')),
    jumpIf('==', r1, register(r2), no),
    addImmediate(r1, 1),
  ],
  next: (request, no) => [loadLeft(request), jumpIf('==', r1, immediate(0), no), subImmediate(r1, 1)],
  last: () => [movImmediate(r1, 0)],
}

/** One byte long, all others say how long they are (RFC 8200 section 4.2). */
const PAD1 = 0

/** The header's options begin with these. */
export function emitOptions(
  assembler: Assembler,
  { header, options }: Asked<'options'>,
  asking: HeaderAsking,
): void {
  const { request, reader, no } = asking
  loadPlace(assembler, asking, header)
  assembler.emit(
    load('u16', r7, r6, request.record.offset(`${header}-length`)),
    add(r7, r8),
    addImmediate(r8, 2),
  )
  for (const { type, length } of options) {
    assembler.emit(jumpIf('>=', r8, register(r7), no))
    loadNumber(assembler, reader, r1, 1, no)
    assembler.emit(jumpIf('!=', r1, immediate(type), no), addImmediate(r8, 1))
    if (type === PAD1) continue
    assembler.emit(jumpIf('>=', r8, register(r7), no))
    loadNumber(assembler, reader, r1, 1, no)
    if (length !== undefined) assembler.emit(jumpIf('!=', r1, immediate(length), no))
    assembler.emit(addImmediate(r8, 1), add(r8, r1))
  }
}
