// Which kinds of headers an IPv6 packet has, as the match ipv6header finds them (net/ipv6/netfilter/ip6t_ipv6header.c): its walk goes on over what lies behind the header of a
// later fragment, and ends at an ESP header.
//
// Registers:   r7  what the walk ended at     r8  where the next header begins     r9  L3 bytes
//
// Stack, at `scratch`:   +0  the next header's number     +8  iterator

import {
  add,
  addImmediate,
  addImmediate32,
  lshImmediate32,
  mov,
  movImmediate,
  orImmediate32,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { headerKinds, headerPlace } from '../extension-field.ts'
import { extension } from './extension.ts'
import { setField, storeField } from './field.ts'
import { forget, forgetPacket } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import { jumpIfExtension, MOST_HEADERS } from './ipv6.ts'
import type { HeaderReader } from './transport.ts'

const ESP = 50
const NO_NEXT_HEADER = 59
/** struct ipv6_opt_hdr */
const LEAST = 2
const FRAGMENT_BYTES = 8

/** Those with another behind them, and how their length counts. */
const walked: readonly WalkedHeader[] = [
  { number: extension.hopByHop, kind: headerKinds['hop-by-hop'], counts: 'eights' },
  { number: extension.destination, kind: headerKinds['ipv6-opts'], counts: 'eights' },
  { number: extension.routing, kind: headerKinds['ipv6-route'], counts: 'eights' },
  { number: extension.fragment, kind: headerKinds['ipv6-frag'], counts: 'not' },
  { number: extension.authentication, kind: headerKinds.ah, counts: 'fours' },
]

interface WalkedHeader {
  readonly number: number
  readonly kind: number
  readonly counts: 'eights' | 'fours' | 'not'
}

export const looksAtKinds = ({ fields }: PrologueRequest): boolean => fields.has('header-kinds')

interface KindsReader {
  readonly read: HeaderReader
  readonly scratch: number
  readonly plain?: true
}

/** With the first "next header" in the record as protocol. A packet that ends inside of a header has no kinds. */
export function emitHeaderKinds(assembler: Assembler, request: PrologueRequest, reader: KindsReader): void {
  const last = assembler.label('last_header')
  const cut = assembler.label('headers_cut')
  const done = assembler.label('header_kinds')
  const finish = (kind: number): void =>
    assembler.emit(...addKind(request, kind | headerKinds.WHOLE), jump(done))
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol), movImmediate(r8, headerPlace.first))
  if (!reader.plain) {
    emitWalk(assembler, request, reader, { last, cut })
    emitBeyond(assembler, reader.scratch, finish)
  }
  assembler.place(last)
  emitLast(assembler, cut, finish)
  assembler.place(cut)
  assembler.emit(setField(request, 'header-kinds', 0))
  assembler.place(done)
}

/** Adds to the kinds that were found. Destroys r2. */
const addKind = (request: PrologueRequest, kind: number): Instruction[] => [
  load('u16', r2, r6, request.record.offset('header-kinds')),
  orImmediate32(r2, kind),
  storeField(request, 'header-kinds', r2),
]

/** What the walk ended at, in r7. */
const ends = { cut: 0, last: 1, beyond: 2 } as const

/** Goes to `last` with the number of a header that is not walked over in r1, and on where a header says it is longer than the packet. */
function emitWalk(
  assembler: Assembler,
  request: PrologueRequest,
  reader: KindsReader,
  to: { readonly last: Label; readonly cut: Label },
): void {
  const walk = assembler.label('kind')
  jumpIfExtension(assembler, r1, walk)
  assembler.emit(jump(to.last))
  assembler.place(walk)
  emitSteps(assembler, request, reader)
  assembler.emit(
    load('u64', r1, r10, reader.scratch),
    jumpIf('==', r7, immediate(ends.last), to.last),
    jumpIf('==', r7, immediate(ends.cut), to.cut),
  )
}

/** From the header whose number is in r1 to the next. Leaves in r7 what the walk ended at, and the number of the last header on the stack. */
function emitSteps(assembler: Assembler, request: PrologueRequest, { read, scratch }: KindsReader): void {
  assembler.emit(store('u64', r10, scratch, r1), movImmediate(r3, MOST_HEADERS), movImmediate(r7, ends.cut))
  emitTimes(
    assembler,
    (next, done) => {
      // nothing is known of the headers before, so one step stands for all
      assembler.emit(...forgetPacket(request.record), ...forget(r8), ...jumpIfEnds(done))
      read(assembler, 'transport', LEAST, done)
      assembler.emit(
        load('u64', r1, r10, scratch),
        load('u8', r2, r0, 0),
        store('u64', r10, scratch, r2),
        load('u8', r3, r0, 1),
      )
      emitStep(assembler, request)
      const inside = assembler.label('inside')
      assembler.emit(
        add(r8, r3),
        jumpIf('<=', r8, register(r9), inside),
        movImmediate(r7, ends.beyond),
        jump(done),
      )
      assembler.place(inside)
      assembler.emit(load('u64', r1, r10, scratch))
      jumpIfExtension(assembler, r1, next)
      assembler.emit(movImmediate(r7, ends.last), jump(done))
    },
    { place: scratch + 8 },
  )
}

/** Goes to `cut` where the packet ends before the first bytes of the header at the offset in r8. */
const jumpIfEnds = (cut: Label): Instruction[] => [
  mov(r2, r8),
  addImmediate(r2, LEAST),
  jumpIf('>', r2, register(r9), cut),
]

/** Notes the header whose number is in r1, and makes of its length field in r3 how many bytes it has. */
function emitStep(assembler: Assembler, request: PrologueRequest): void {
  const step = assembler.label('step')
  for (const { number, kind, counts } of walked) {
    const other = assembler.label('other_kind')
    assembler.emit(
      jumpIf('!=', r1, immediate(number), other, 32),
      ...addKind(request, kind),
      ...bytesIn[counts],
      jump(step),
    )
    assembler.place(other)
  }
  assembler.place(step)
}

const bytesIn: Readonly<Record<WalkedHeader['counts'], readonly Instruction[]>> = {
  eights: [addImmediate32(r3, 1), lshImmediate32(r3, 3)],
  fours: [addImmediate32(r3, 2), lshImmediate32(r3, 2)],
  not: [movImmediate(r3, FRAGMENT_BYTES)],
}

/** Behind the end of the packet every number stands for a protocol but these two, which stand for nothing. */
function emitBeyond(assembler: Assembler, scratch: number, finish: (kind: number) => void): void {
  const nothing = assembler.label('nothing')
  assembler.emit(load('u64', r1, r10, scratch))
  for (const number of [NO_NEXT_HEADER, ESP]) assembler.emit(jumpIf('==', r1, immediate(number), nothing, 32))
  finish(headerKinds.protocol)
  assembler.place(nothing)
  finish(0)
}

/** The header whose number is in r1 is the last, at the offset in r8. */
function emitLast(assembler: Assembler, cut: Label, finish: (kind: number) => void): void {
  const other = assembler.label('protocol')
  const esp = assembler.label('esp')
  assembler.emit(
    jumpIf('==', r1, immediate(ESP), esp, 32),
    jumpIf('!=', r1, immediate(NO_NEXT_HEADER), other, 32),
  )
  finish(headerKinds['ipv6-nonxt'])
  assembler.place(other)
  finish(headerKinds.protocol)
  assembler.place(esp)
  assembler.emit(...jumpIfEnds(cut))
  finish(headerKinds.esp)
}
