// What is read from the place of a TCP header whether or not it is one: the matches ecn and tcpmss do not ask if the packet is a later
// fragment. The walk along TCP's options (RFC 9293 section 3.1) collects what rules ask of them, once for all.
//
// Registers:   r7  bytes of options walked over     r8  offset of the TCP header, in the walk of the option     r9  L3 bytes
//
// Stack, at `scratch`:   +0  offset of the TCP header     +8  bytes of options     +16  iterator

import {
  add,
  addImmediate,
  andImmediate32,
  be16,
  lsh32,
  mov,
  movImmediate,
  movImmediate32,
  or32,
  orImmediate32,
  rshImmediate32,
  sub,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { ecnFlags, type FieldName, mss, type TcpOptionWord, tcpOptions, tcpOptionWords } from '../field.ts'
import { setField, storeField } from './field.ts'
import { forget, forgetPacket } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import type { IpReader } from './ip.ts'

const TCP = 6
const FIXED_SIZE = 20
/** Bytes: the most that a data offset of four bits leaves for options. An option has at least one. */
const MOST_OPTIONS = 40
const MSS = { kind: 2, length: 4 } as const

type Reader = Pick<IpReader, 'read' | 'scratch'>

const OPTION_FIELDS: readonly FieldName[] = [
  'mss',
  'tcp-options',
  ...tcpOptionWords.map(word => `tcp-options-${word}` as const),
]

const walksOptions = ({ fields }: PrologueRequest): boolean => OPTION_FIELDS.some(field => fields.has(field))

export const looksAtTcp = (request: PrologueRequest): boolean =>
  request.fields.has('ecn-flags') || walksOptions(request)

/** With the offset of the TCP header in r8, which it leaves there. Destroys r7. */
export function emitTcp(assembler: Assembler, request: PrologueRequest, { read, scratch }: Reader): void {
  const { fields } = request
  const done = assembler.label('tcp')
  if (walksOptions(request)) assembler.emit(...forgetPacket(request.record))
  assembler.emit(
    load('u8', r1, r6, fixedOffsets.protocol),
    jumpIf('!=', r1, immediate(TCP), done, 32),
    ...(fields.has('mss') ? [setField(request, 'mss', mss.malformed)] : []),
    ...(fields.has('tcp-options') ? [setField(request, 'tcp-options', tcpOptions.malformed)] : []),
  )
  // a frame may go on behind the packet
  assembler.emit(mov(r1, r8), addImmediate(r1, FIXED_SIZE), jumpIf('>', r1, register(r9), done))
  read(assembler, 'transport', FIXED_SIZE, done)
  if (fields.has('ecn-flags'))
    assembler.emit(
      load('u8', r1, r0, 13),
      rshImmediate32(r1, 6),
      orImmediate32(r1, ecnFlags.THERE),
      storeField(request, 'ecn-flags', r1),
    )
  if (walksOptions(request)) {
    emitExtent(assembler, request, scratch, done)
    emitWalk(assembler, request, { read, scratch })
  }
  assembler.place(done)
  if (walksOptions(request)) assembler.emit(...forgetPacket(request.record))
}

/** Goes to `malformed` where the header is too short to be one, or options are cut off. */
function emitExtent(assembler: Assembler, request: PrologueRequest, scratch: number, malformed: Label): void {
  assembler.emit(
    load('u8', r2, r0, 12),
    rshImmediate32(r2, 2),
    andImmediate32(r2, 0x3c),
    jumpIf('<', r2, immediate(FIXED_SIZE), malformed),
    mov(r3, r8),
    add(r3, r2),
    jumpIf('>', r3, register(r9), malformed),
    subImmediate(r2, FIXED_SIZE),
    store('u64', r10, scratch, r8),
    store('u64', r10, scratch + 8, r2),
    ...(request.fields.has('mss') ? [setField(request, 'mss', mss.none)] : []),
    ...(request.fields.has('tcp-options') ? [setField(request, 'tcp-options', tcpOptions.readable)] : []),
  )
}

/** A kind below 2 is all there is of an option; others have a length, of which 0 counts as 1. */
function emitWalk(assembler: Assembler, request: PrologueRequest, { read, scratch }: Reader): void {
  assembler.emit(movImmediate(r3, MOST_OPTIONS), movImmediate(r7, 0))
  emitTimes(
    assembler,
    (_, end) => {
      const one = assembler.label('one_byte')
      const step = assembler.label('step')
      assembler.emit(
        // nothing but the bound is known of how far the walk is, nor what it found, so one step stands for all
        ...forgetPacket(request.record),
        ...forget(r7),
        jumpIf('>=', r7, immediate(MOST_OPTIONS), end),
        load('u64', r2, r10, scratch + 8),
        jumpIf('>=', r7, register(r2), end),
        load('u64', r8, r10, scratch),
        add(r8, r7),
        addImmediate(r8, FIXED_SIZE),
      )
      read(assembler, 'transport', 1, end)
      assembler.emit(load('u8', r1, r0, 0))
      for (const word of tcpOptionWords)
        if (request.fields.has(`tcp-options-${word}`)) emitBit(assembler, request, word)
      assembler.emit(
        jumpIf('<', r1, immediate(2), one),
        mov(r3, r7),
        addImmediate(r3, 1),
        load('u64', r2, r10, scratch + 8),
        jumpIf('>=', r3, register(r2), end),
      )
      read(assembler, 'transport', 2, end)
      assembler.emit(load('u8', r1, r0, 0), load('u8', r2, r0, 1))
      if (request.fields.has('mss')) emitMss(assembler, request, { read, scratch }, { step, end })
      assembler.emit(jumpIf('!=', r2, immediate(0), step))
      assembler.place(one)
      assembler.emit(movImmediate(r2, 1))
      assembler.place(step)
      assembler.emit(add(r7, r2))
    },
    { place: scratch + 16 },
  )
  assembler.emit(load('u64', r8, r10, scratch))
}

/** Notes the kind in r1, which it keeps. */
function emitBit(assembler: Assembler, request: PrologueRequest, word: TcpOptionWord): void {
  const other = assembler.label('other_kind')
  const field = `tcp-options-${word}` as const
  assembler.emit(
    mov(r2, r1),
    rshImmediate32(r2, 5),
    jumpIf('!=', r2, immediate(word), other),
    mov(r2, r1),
    andImmediate32(r2, 31),
    movImmediate32(r3, 1),
    lsh32(r3, r2),
    load('u32', r2, r6, request.record.offset(field)),
    or32(r2, r3),
    storeField(request, field, r2),
  )
  assembler.place(other)
}

/** With the kind in r1 and the length in r2, which it keeps. The first that is whole counts. */
function emitMss(
  assembler: Assembler,
  request: PrologueRequest,
  { read, scratch }: Reader,
  { step, end }: { readonly step: Label; readonly end: Label },
): void {
  const other = assembler.label('no_mss')
  assembler.emit(
    jumpIf('!=', r1, immediate(MSS.kind), other),
    jumpIf('!=', r2, immediate(MSS.length), other),
    load('u64', r3, r10, scratch + 8),
    sub(r3, r7),
    jumpIf('<', r3, immediate(MSS.length), end),
    load('u32', r3, r6, request.record.offset('mss')),
    jumpIf('!=', r3, immediate(mss.none), other),
  )
  read(assembler, 'transport', MSS.length, end)
  assembler.emit(
    load('u16', r1, r0, 2),
    be16(r1),
    storeField(request, 'mss', r1),
    movImmediate(r2, MSS.length),
    jump(step),
  )
  assembler.place(other)
}
