// The walk along IPv6 extension headers, ending where ipv6_find_hdr(skb, &offset, -1, &fragoff) ends it (net/ipv6/exthdrs_core.c).

import {
  add,
  addImmediate,
  addImmediate32,
  andImmediate32,
  be16,
  lshImmediate32,
  movImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store, storeImmediate } from '../asm/memory.ts'
import { type Register, r0, r1, r2, r3, r6, r7, r8 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { emitTimes } from '../emit/times.ts'
import { transport } from '../field.ts'
import { clearPlaces, extension, noteCut, notePlace } from './extension.ts'
import { forget, forgetPacket } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import type { HeaderReader } from './transport.ts'

/** Of a routing header the kernel wants type and segments left as well (struct ipv6_rt_hdr). */
const ROUTING_BYTES = 4

/** A packet has 64 KiB behind its fixed header, and the shortest header 8 bytes. */
export const MOST_HEADERS = 65536 / 8

/** What the walk ended at, in r7. */
const ends = { cut: 0, protocol: 1, later: 2, unreachable: 3 } as const

interface WalkReader {
  readonly read: HeaderReader
  /** Emits what must be done before the walk reads; few packets have it. */
  prepare?(): void
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
  { read, iterator, prepare }: WalkReader,
  to: { readonly later: Label; readonly cut: Label },
): void {
  const walk = assembler.label('extension')
  const unreachable = assembler.label('unreachable')
  const found = assembler.label('protocol')
  clearPlaces(assembler, request)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  jumpIfExtension(assembler, r1, walk)
  assembler.emit(jump(found))
  assembler.place(walk)
  prepare?.()
  emitSteps(assembler, request, { read, iterator })
  assembler.emit(
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
  emitTimes(
    assembler,
    (next, done) => {
      const stepped = assembler.label('stepped')
      const fragment = assembler.label('fragment')
      // nothing is known of the headers before, so one step stands for all
      assembler.emit(...forgetPacket(request.record), ...forget(r8))
      emitStep(assembler, request, read, { stepped, fragment, cut: done })
      assembler.place(fragment)
      emitFragment(assembler, read, { stepped, done })
      assembler.place(stepped)
      assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
      jumpIfExtension(assembler, r1, next)
      assembler.emit(movImmediate(r7, ends.protocol), jump(done))
    },
    { place: iterator },
  )
}

/** Goes to `target` where a "next header" names an extension header that is walked over. */
export function jumpIfExtension(assembler: Assembler, header: Register, target: Label): void {
  for (const number of Object.values(extension))
    assembler.emit(jumpIf('==', header, immediate(number), target, 32))
}

/** Over one header: its length counts in 4 bytes in the authentication header (RFC 4302), in 8 in the others (RFC 8200). */
function emitStep(
  assembler: Assembler,
  request: PrologueRequest,
  read: HeaderReader,
  to: { readonly stepped: Label; readonly fragment: Label; readonly cut: Label },
): void {
  const eights = assembler.label('eights')
  const step = assembler.label('step')
  const short = assembler.label('short')
  assembler.emit(
    load('u8', r1, r6, fixedOffsets.protocol),
    jumpIf('!=', r1, immediate(extension.routing), short, 32),
  )
  read(assembler, 'transport', ROUTING_BYTES, to.cut)
  assembler.place(short)
  read(assembler, 'transport', 2, to.cut)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  notePlace(assembler, request)
  assembler.emit(
    load('u8', r2, r0, 0),
    load('u8', r3, r0, 1),
    jumpIf('==', r1, immediate(extension.fragment), to.fragment, 32),
    store('u8', r6, fixedOffsets.protocol, r2),
    jumpIf('!=', r1, immediate(extension.authentication), eights, 32),
    addImmediate32(r3, 2),
    lshImmediate32(r3, 2),
    jump(step),
  )
  assembler.place(eights)
  assembler.emit(addImmediate32(r3, 1), lshImmediate32(r3, 3))
  assembler.place(step)
  assembler.emit(add(r8, r3), jump(to.stepped))
}

/** Behind a fragment header with an offset lies the middle of a datagram: a protocol right behind it counts, a further extension header cannot be read. */
function emitFragment(
  assembler: Assembler,
  read: HeaderReader,
  to: { readonly stepped: Label; readonly done: Label },
): void {
  const later = assembler.label('later')
  const unreachable = assembler.label('unreachable')
  read(assembler, 'transport', 4, to.done)
  assembler.emit(
    load('u8', r2, r0, 0),
    load('u16', r3, r0, 2),
    be16(r3),
    andImmediate32(r3, 0xfff8),
    store('u8', r6, fixedOffsets.protocol, r2),
    jumpIf('!=', r3, immediate(0), later, 32),
    addImmediate(r8, 8),
    jump(to.stepped),
  )
  assembler.place(later)
  jumpIfExtension(assembler, r2, unreachable)
  assembler.emit(
    storeImmediate('u8', r6, fixedOffsets.transport, transport.later),
    movImmediate(r8, 0),
    movImmediate(r7, ends.later),
    jump(to.done),
  )
  assembler.place(unreachable)
  assembler.emit(movImmediate(r7, ends.unreachable), jump(to.done))
}
