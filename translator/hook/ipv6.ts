// The walk along IPv6 extension headers, ending where ipv6_find_hdr(skb, &offset, -1, &fragoff) ends it (net/ipv6/exthdrs_core.c).

import {
  add,
  addImmediate,
  addImmediate32,
  andImmediate32,
  be16,
  lshImmediate32,
  mov,
  movImmediate,
  rshImmediate32,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store, storeImmediate } from '../asm/memory.ts'
import { type Register, r0, r1, r2, r3, r6, r7, r8, r9 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { transport } from '../field.ts'
import { clearPlaces, extension, looksAtExtensions, noteCut, notePlace } from './extension.ts'
import { forget32, forgetRecord } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import type { HeaderReader } from './transport.ts'

/** What the kernel wants to be there of a header: its number and length, of a routing header type and segments left as well (struct ipv6_rt_hdr), of a fragment header its offset. */
const wanted = { any: 2, routing: 4, fragment: 4 } as const

const FRAGMENT_BYTES = 8

/** A packet has 64 KiB behind its fixed header, and the shortest header 8 bytes. */
export const MOST_HEADERS = 65536 / 8

/** What the walk ended at, in r7. */
const ends = { cut: 0, protocol: 1, later: 2, unreachable: 3 } as const

/** So many headers, and most packets have none, are walked over without a call where they lie at hand. The verifier goes through each. */
const FEW_HEADERS = 8

interface WalkReader {
  readonly read: HeaderReader
  /** Reads at once what lies in the linear part; goes to `missing` with all else. Where it is left out nothing does. */
  readonly readLinear?: HeaderReader
  /** Where the 8 bytes of an iterator may lie on the stack. */
  readonly iterator: number
}

/**
 * With the first "next header" in the record as protocol and the offset of the header it names in r8. Goes on with the transport header's offset in r8; to `cut`
 * where the headers end before it, or to `later` in a later fragment, with r8 zero: that is where ip6_tables' matches then look for it. The protocol is in the
 * record. Destroys r7.
 */
export function emitExtensionWalk(
  assembler: Assembler,
  request: PrologueRequest,
  { read, readLinear, iterator }: WalkReader,
  to: { readonly later: Label; readonly cut: Label },
): void {
  const walk = assembler.label('extension')
  const walked = assembler.label('walked')
  const unreachable = assembler.label('unreachable')
  const found = assembler.label('protocol')
  clearPlaces(assembler, request)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  jumpIfExtension(assembler, r1, walk)
  assembler.emit(jump(found))
  assembler.place(walk)
  if (readLinear) emitFewSteps(assembler, request, readLinear, walked)
  emitSteps(assembler, request, { read, iterator })
  assembler.place(walked)
  assembler.emit(
    ...forget32(r8),
    jumpIf('==', r7, immediate(ends.protocol), found),
    jumpIf('==', r7, immediate(ends.later), to.later),
    jumpIf('==', r7, immediate(ends.unreachable), unreachable),
  )
  noteCut(assembler, request)
  assembler.place(unreachable)
  assembler.emit(storeImmediate('u8', r6, fixedOffsets.transport, transport.unreachable), jump(to.cut))
  assembler.place(found)
}

/** From header to header. Leaves in r7 what the walk ended at. */
function emitSteps(assembler: Assembler, request: PrologueRequest, { read, iterator }: WalkReader): void {
  assembler.emit(movImmediate(r3, MOST_HEADERS), movImmediate(r7, ends.cut))
  emitTimes(assembler, (next, done) => emitStep(assembler, request, read, { next, done, cut: done }), {
    place: iterator,
  })
}

/** The same with the first headers. Goes to `done` where the walk ends, and on at a header that is not at hand, or is one too many. */
function emitFewSteps(
  assembler: Assembler,
  request: PrologueRequest,
  readLinear: HeaderReader,
  done: Label,
): void {
  const next = assembler.label('near')
  const far = assembler.label('far')
  assembler.emit(movImmediate(r7, FEW_HEADERS))
  assembler.place(next)
  assembler.emit(jumpIf('==', r7, immediate(0), far), subImmediate(r7, 1))
  emitStep(assembler, request, readLinear, { next, done, cut: far })
  assembler.place(far)
  assembler.emit(
    movImmediate(r7, ends.cut),
    mov(r1, r8),
    addImmediate(r1, wanted.any),
    jumpIf('>', r1, register(r9), done),
  )
}

/** Goes to `target` where a "next header" names an extension header that is walked over. */
export function jumpIfExtension(assembler: Assembler, header: Register, target: Label): void {
  for (const number of Object.values(extension))
    assembler.emit(jumpIf('==', header, immediate(number), target, 32))
}

interface StepEnds {
  /** Where a further extension header follows. */
  readonly next: Label
  /** Where the walk ends; r7 says at what. */
  readonly done: Label
  /** Where the header cannot be read. */
  readonly cut: Label
}

/** Over the header at the offset in r8. */
function emitStep(assembler: Assembler, request: PrologueRequest, read: HeaderReader, to: StepEnds): void {
  const short = assembler.label('short')
  const fragment = assembler.label('fragment')
  const stepped = assembler.label('stepped')
  // nothing is known of the headers before, so one step stands for all
  if (looksAtExtensions(request)) assembler.emit(...forgetRecord(request.record))
  assembler.emit(
    ...forget32(r8),
    load('u8', r1, r6, fixedOffsets.protocol),
    jumpIf('!=', r1, immediate(extension.routing), short, 32),
  )
  read(assembler, 'transport', wanted.routing, to.cut)
  assembler.place(short)
  read(assembler, 'transport', wanted.any, to.cut)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  notePlace(assembler, request)
  assembler.emit(
    load('u16', r3, r0, 0),
    jumpIf('==', r1, immediate(extension.fragment), fragment, 32),
    store('u8', r6, fixedOffsets.protocol, r3),
    rshImmediate32(r3, 8),
  )
  emitLength(assembler)
  assembler.emit(add(r8, r3), jump(stepped))
  assembler.place(fragment)
  emitFragment(assembler, read, to)
  assembler.place(stepped)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  jumpIfExtension(assembler, r1, to.next)
  assembler.emit(movImmediate(r7, ends.protocol), jump(to.done))
}

/** Makes of the length in r3 how many bytes it says, of the header whose number is in r1: it counts in 4 bytes in the authentication header (RFC 4302), in 8 in the others (RFC 8200). */
function emitLength(assembler: Assembler): void {
  const eights = assembler.label('eights')
  const told = assembler.label('told')
  assembler.emit(
    jumpIf('!=', r1, immediate(extension.authentication), eights, 32),
    addImmediate32(r3, 2),
    lshImmediate32(r3, 2),
    jump(told),
  )
  assembler.place(eights)
  assembler.emit(addImmediate32(r3, 1), lshImmediate32(r3, 3))
  assembler.place(told)
}

/** Behind a fragment header with an offset lies the middle of a datagram: a protocol right behind it counts, a further extension header cannot be read. Goes on with the header behind it. */
function emitFragment(assembler: Assembler, read: HeaderReader, { done, cut }: StepEnds): void {
  const first = assembler.label('first')
  const unreachable = assembler.label('unreachable')
  read(assembler, 'transport', wanted.fragment, cut)
  assembler.emit(
    load('u8', r2, r0, 0),
    store('u8', r6, fixedOffsets.protocol, r2),
    load('u16', r3, r0, 2),
    be16(r3),
    andImmediate32(r3, 0xfff8),
    jumpIf('==', r3, immediate(0), first, 32),
  )
  jumpIfExtension(assembler, r2, unreachable)
  assembler.emit(
    storeImmediate('u8', r6, fixedOffsets.transport, transport.later),
    movImmediate(r8, 0),
    movImmediate(r7, ends.later),
    jump(done),
  )
  assembler.place(unreachable)
  assembler.emit(movImmediate(r7, ends.unreachable), jump(done))
  assembler.place(first)
  assembler.emit(addImmediate(r8, FRAGMENT_BYTES))
}
