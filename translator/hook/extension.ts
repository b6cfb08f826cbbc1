// The IPv6 extension headers that rules ask for: where the first of each kind begins is noted in the record during the walk along them, and what
// stands there is read once behind it. Plain packets have none, so at xdp and tc the record stays as it is: zeros.

import { add, addImmediate32, be16, be32, lshImmediate32, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import { load } from '../asm/memory.ts'
import { r0, r1, r2, r6, r7, r8, r9 } from '../asm/register.ts'
import { type ExtensionKind, type ExtensionPart, extensionKinds, headerPlace } from '../extension-field.ts'
import { setField, storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'
import type { HeaderReader } from './transport.ts'

/** Headers that are walked over. The walk ends at every other, "no next header" (59) among them. */
export const extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
} as const

const numbers: Readonly<Record<ExtensionKind, number>> = {
  'hop-by-hop': extension.hopByHop,
  routing: extension.routing,
  'fragment-header': extension.fragment,
  authentication: extension.authentication,
  destination: extension.destination,
}

const askedKinds = ({ fields }: PrologueRequest): ExtensionKind[] =>
  extensionKinds.filter(kind => fields.has(kind))

/** Parts are asked only beside their header's place. */
export const looksAtExtensions = (request: PrologueRequest): boolean => askedKinds(request).length > 0

const placeOf = ({ record }: PrologueRequest, kind: ExtensionKind): number => record.offset(kind)

const loadPlace = (request: PrologueRequest, kind: ExtensionKind): Instruction =>
  load('u32', r2, r6, placeOf(request, kind))

/** No place is noted yet. */
export function clearPlaces(assembler: Assembler, request: PrologueRequest): void {
  for (const kind of askedKinds(request)) assembler.emit(setField(request, kind, headerPlace.absent))
}

/** The header at the offset in r8 is the first of its kind; its number is in r1, which it keeps. Destroys r2. */
export function notePlace(assembler: Assembler, request: PrologueRequest): void {
  for (const kind of askedKinds(request)) {
    const other = assembler.label('other_header')
    assembler.emit(
      jumpIf('!=', r1, immediate(numbers[kind]), other, 32),
      loadPlace(request, kind),
      jumpIf('!=', r2, immediate(headerPlace.absent), other, 32),
      storeField(request, kind, r8),
    )
    assembler.place(other)
  }
}

/** The packet ends inside of the header that the walk is at. */
export function noteCut(assembler: Assembler, request: PrologueRequest): void {
  for (const kind of askedKinds(request)) {
    const known = assembler.label('found_before')
    assembler.emit(
      loadPlace(request, kind),
      jumpIf('!=', r2, immediate(headerPlace.absent), known, 32),
      setField(request, kind, headerPlace.cutOff),
    )
    assembler.place(known)
  }
}

/** A part of a header that r0 points to, brought to r1. */
type Part = readonly [ExtensionPart, readonly Instruction[]]

interface HeaderForm {
  /** Bytes that are read of it. */
  readonly size: number
  /** How many it says it has. The packet must have them all: kernels before July 2026 take a header that is cut off for none, and for a whole one where it is an authentication header. */
  readonly length: readonly Instruction[]
  readonly parts: readonly Part[]
}

const byte = (offset: number): Instruction[] => [load('u8', r1, r0, offset)]
const half = (offset: number): Instruction[] => [load('u16', r1, r0, offset), be16(r1)]
const word = (offset: number): Instruction[] => [load('u32', r1, r0, offset), be32(r1)]
/** Counts in 8 bytes, the first 8 left out. */
const lengthInEights = [...byte(1), addImmediate32(r1, 1), lshImmediate32(r1, 3)]
/** Counts in 4 bytes, the first 8 left out. */
const lengthInFours = [...byte(1), addImmediate32(r1, 2), lshImmediate32(r1, 2)]

const options = (length: ExtensionPart): HeaderForm => ({
  size: 2,
  length: lengthInEights,
  parts: [[length, lengthInEights]],
})

const FRAGMENT_BYTES = 8

/** RFC 8200 sections 4.3 to 4.6, RFC 8754 section 2, RFC 4302 section 2. */
const forms: Readonly<Record<ExtensionKind, HeaderForm>> = {
  'hop-by-hop': options('hop-by-hop-length'),
  destination: options('destination-length'),
  routing: {
    size: 8,
    length: lengthInEights,
    parts: [
      ['routing-length', lengthInEights],
      ['routing-next', byte(0)],
      ['routing-type', byte(2)],
      ['segments-left', byte(3)],
      ['routing-reserved', word(4)],
      ['last-entry', byte(4)],
      // as a number of the machine: iptables does not swap it either
      ['segment-tag', [load('u16', r1, r0, 6)]],
    ],
  },
  'fragment-header': {
    size: 8,
    length: [movImmediate(r1, FRAGMENT_BYTES)],
    parts: [
      ['fragment-reserved', byte(1)],
      ['fragment-place', half(2)],
      ['fragment-id', word(4)],
    ],
  },
  authentication: {
    size: 12,
    length: lengthInFours,
    parts: [
      ['authentication-length', lengthInFours],
      ['authentication-reserved', half(2)],
      ['authentication-spi', word(4)],
    ],
  },
}

/** Behind the walk: reads the headers that were found. Keeps r8. */
export function emitExtensions(assembler: Assembler, request: PrologueRequest, read: HeaderReader): void {
  assembler.emit(mov(r7, r8))
  for (const kind of askedKinds(request)) emitHeader(assembler, request, read, kind)
  assembler.emit(mov(r8, r7))
}

function emitHeader(
  assembler: Assembler,
  request: PrologueRequest,
  read: HeaderReader,
  kind: ExtensionKind,
): void {
  const { size, length, parts } = forms[kind]
  const missing = assembler.label('header_cut')
  const done = assembler.label('header')
  assembler.emit(
    load('u32', r8, r6, placeOf(request, kind)),
    jumpIf('<', r8, immediate(headerPlace.first), done, 32),
  )
  read(assembler, 'transport', size, missing)
  assembler.emit(...length, add(r1, r8), jumpIf('>', r1, register(r9), missing))
  for (const [part, load] of parts)
    if (request.fields.has(part)) assembler.emit(...load, storeField(request, part, r1))
  if (request.fields.has('segments-beyond') && kind === 'routing') emitSegments(assembler, request)
  assembler.emit(jump(done))
  assembler.place(missing)
  assembler.emit(setField(request, kind, headerPlace.cutOff))
  assembler.place(done)
}

/** More segments left than the header lists. */
function emitSegments(assembler: Assembler, request: PrologueRequest): void {
  const listed = assembler.label('listed')
  assembler.emit(
    ...byte(3),
    load('u8', r2, r0, 4),
    jumpIf('<=', r1, register(r2), listed, 32),
    setField(request, 'segments-beyond', 1),
  )
  assembler.place(listed)
}
