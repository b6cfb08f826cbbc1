// Questions about lists behind a transport header: chunks of SCTP (RFC 9260 section 3.2), options of DCCP (RFC 4340 section 5.8). A list is as
// long as the packet, so the loop along it is one that the verifier follows once.
//
// Registers:   r7  chunks: a bit for each that was met; options: where they end. Behind the loop the answer     r8  the offset of a read
//
// Stack, from `below` down:   -8  iterator

import {
  add,
  addImmediate,
  andImmediate32,
  lshImmediate32,
  mov,
  movImmediate,
  orImmediate32,
  rshImmediate32,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load } from '../asm/memory.ts'
import { r1, r2, r3, r6, r7, r8, r9 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { answers, type ChunkQuestion } from '../question.ts'
import type { HeaderAsking } from './extension-question.ts'
import { forget } from './forget.ts'
import { loadNumber } from './question.ts'

interface ListAsking extends HeaderAsking {
  readonly malformed: Label
}

const SCTP = { protocol: 132, bytes: 12 } as const
/** One has four bytes at least, and a packet 64 KiB. */
const MOST_CHUNKS = 2 ** 14

const DCCP = { protocol: 33, bytes: 12 } as const
/** The data offset counts up to 255 in 4 bytes; an option has one byte at least. */
const MOST_OPTIONS = 4 * 255

/** The offset of the transport header to r8; goes to `no` where the packet has none of the protocol. */
function loadPlace(assembler: Assembler, { request, no }: ListAsking, protocol: number): void {
  assembler.emit(
    load('u8', r1, r6, fixedOffsets.protocol),
    jumpIf('!=', r1, immediate(protocol), no, 32),
    load('u32', r8, r6, request.record.offset('transport-offset')),
    ...forget(r8),
    jumpIf('==', r8, immediate(0), no),
  )
}

/** Where a step of the walk goes to. */
interface Ways {
  readonly next: Label
  readonly yes: Label
  readonly no: Label
  readonly malformed: Label
}

/** Emits `step` to be done again and again; it goes on where the list ends there with the answer no. */
function emitLoop(assembler: Assembler, asking: ListAsking, most: number, step: (ways: Ways) => void): void {
  const malformed = assembler.label('unreadable')
  // nothing is known of what a step found, so one state stands for all
  const forgetStep = [...forget(r7), ...forget(r8)]
  assembler.emit(...forgetStep, movImmediate(r3, most))
  emitTimes(
    assembler,
    (_, done) => {
      const [next, yes, no] = [assembler.label('next'), assembler.label('found'), assembler.label('none')]
      const answer = (label: Label, value: number): void => {
        assembler.place(label)
        assembler.emit(movImmediate(r7, value), jump(done))
      }
      step({ next, yes, no, malformed })
      answer(no, answers.no)
      answer(yes, answers.yes)
      answer(malformed, answers.malformed)
      assembler.place(next)
      assembler.emit(...forgetStep)
    },
    { place: asking.reader.below - 8, over: malformed },
  )
  assembler.emit(
    jumpIf('==', r7, immediate(answers.no), asking.no),
    jumpIf('==', r7, immediate(answers.malformed), asking.malformed),
  )
}

/**
 * The chunks of SCTP (net/netfilter/xt_sctp.c). A decision ends the walk before what is malformed behind. Each is padded to four bytes:
 *
 *     0 type | 1 flags | 2..3 length, with these four
 */
export function emitChunks(assembler: Assembler, question: ChunkQuestion, asking: ListAsking): void {
  loadPlace(assembler, asking, SCTP.protocol)
  assembler.emit(addImmediate(r8, SCTP.bytes), movImmediate(r7, 0))
  emitLoop(assembler, asking, MOST_CHUNKS, ways => {
    const stepped = assembler.label('stepped')
    loadNumber(assembler, asking.reader, r1, 4, ways.malformed)
    assembler.emit(
      mov(r2, r1),
      andImmediate32(r2, 0xffff),
      jumpIf('==', r2, immediate(0), ways.malformed),
      addImmediate(r2, 3),
      andImmediate32(r2, ~3),
      add(r8, r2),
      mov(r2, r1),
      rshImmediate32(r2, 24),
    )
    emitChunk(assembler, question, ways, stepped)
    assembler.place(stepped)
    assembler.emit(jumpIf('<', r8, register(r9), ways.next))
    if (question.quantifier === 'only') assembler.emit(jump(ways.yes))
    // the kernel's map of what must be there has room for 2,048 types, all of which ALL asks for: so many there are not
    if (question.quantifier === 'all' && question.chunks)
      assembler.emit(jumpIf('==', r7, immediate(everyBit(question.chunks.length)), ways.yes, 32))
  })
}

const everyBit = (count: number): number => 2 ** count - 1

/** With the type in r2 and the flags in bits 16 to 23 of r1. Goes on where the chunk decides nothing. */
function emitChunk(
  assembler: Assembler,
  { quantifier, chunks }: ChunkQuestion,
  { yes, no }: Ways,
  stepped: Label,
): void {
  if (!chunks && quantifier === 'any') return assembler.emit(jump(yes))
  for (const [index, { type, mask, set }] of (chunks ?? []).entries()) {
    const other = assembler.label('other_chunk')
    assembler.emit(jumpIf('!=', r2, immediate(type), other, 32))
    if (mask !== 0)
      assembler.emit(
        andImmediate32(r1, mask << 16),
        jumpIf('!=', r1, immediate(set << 16), quantifier === 'only' ? no : stepped, 32),
      )
    if (quantifier === 'all') assembler.emit(orImmediate32(r7, 1 << index))
    assembler.emit(jump(quantifier === 'any' ? yes : stepped))
    assembler.place(other)
  }
  if (chunks && quantifier === 'only') assembler.emit(jump(no))
}

/** An option of DCCP (net/netfilter/xt_dccp.c). Where there are none, a packet cut off before them passes by. */
export function emitDccpOption(assembler: Assembler, option: number, asking: ListAsking): void {
  emitOptionsPlace(assembler, asking)
  emitLoop(assembler, asking, MOST_OPTIONS, ({ next, yes, no, malformed }) => {
    const one = assembler.label('one_byte')
    loadNumber(assembler, asking.reader, r1, 1, malformed)
    assembler.emit(
      addImmediate(r8, 1),
      jumpIf('==', r1, immediate(option), yes, 32),
      jumpIf('>=', r8, register(r7), no),
      jumpIf('<', r1, immediate(2), next, 32),
    )
    loadNumber(assembler, asking.reader, r1, 1, malformed)
    assembler.emit(jumpIf('==', r1, immediate(0), one), add(r8, r1), addImmediate(r8, -1))
    assembler.place(one)
    assembler.emit(jumpIf('<', r8, register(r7), next))
  })
}

/** Bytes that packet types add to the generic header; all others add 12 (RFC 4340 sections 5.1 to 5.8). */
const added: readonly (readonly [types: readonly number[], bytes: number])[] = [
  [[2], 0],
  [[0], 4],
  [[3, 4, 5, 6, 8, 9], 8],
]
const MOST_ADDED = 12

/** The offset of the options to r8 and of their end to r7. */
function emitOptionsPlace(assembler: Assembler, asking: ListAsking): void {
  const sized = assembler.label('sized')
  const { no, malformed } = asking
  loadPlace(assembler, asking, DCCP.protocol)
  // r7: the data offset in bytes
  assembler.emit(addImmediate(r8, 4))
  loadNumber(assembler, asking.reader, r7, 1, malformed)
  assembler.emit(lshImmediate32(r7, 2), addImmediate(r8, 4))
  loadNumber(assembler, asking.reader, r1, 1, malformed)
  // r2: bytes before the options, of which 4 are the rest of a long sequence number
  assembler.emit(
    addImmediate(r8, -8),
    mov(r2, r1),
    andImmediate32(r2, 1),
    lshImmediate32(r2, 2),
    addImmediate(r2, DCCP.bytes),
    rshImmediate32(r1, 1),
    andImmediate32(r1, 0x0f),
  )
  emitAdded(assembler, sized)
  assembler.place(sized)
  assembler.emit(
    jumpIf('<', r7, register(r2), malformed),
    jumpIf('==', r7, register(r2), no),
    add(r7, r8),
    add(r8, r2),
    jumpIf('>', r7, register(r9), malformed),
  )
}

/** Adds to r2 what the packet type in r1 adds to the header, then goes to `sized`. */
function emitAdded(assembler: Assembler, sized: Label): void {
  for (const [types, bytes] of added) {
    const these = assembler.label('these_types')
    const others = assembler.label('other_types')
    for (const type of types) assembler.emit(jumpIf('==', r1, immediate(type), these, 32))
    assembler.emit(jump(others))
    assembler.place(these)
    assembler.emit(addImmediate(r2, bytes), jump(sized))
    assembler.place(others)
  }
  assembler.emit(addImmediate(r2, MOST_ADDED))
}
