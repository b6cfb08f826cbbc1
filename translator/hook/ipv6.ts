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
import { transport } from '../field.ts'
import { extension, forgetPlaces, noteCut, notePlace } from './extension.ts'
import type { PrologueRequest } from './hook.ts'
import type { HeaderReader } from './transport.ts'

/** Of a routing header the kernel wants type and segments left as well (struct ipv6_rt_hdr). */
const ROUTING_BYTES = 4

/** More extension headers than this are taken for a chain that is cut off. The shortest has 8 bytes, so 2 KiB of them pass. */
export const MOST_HEADERS = 256

/**
 * With the first "next header" in the record as protocol and the offset of the header it names in r8. Goes on with the transport header's offset in r8; to `cut`
 * where the headers end before it, or to `later` in a later fragment, with r8 zero: that is where ip6_tables' matches then look for it. The protocol is in the
 * record. Counts headers in r7.
 */
export function emitExtensionWalk(
  assembler: Assembler,
  request: PrologueRequest,
  read: HeaderReader,
  to: { readonly later: Label; readonly cut: Label },
): void {
  const loop = assembler.label('extension')
  const known = assembler.label('known')
  const fragment = assembler.label('fragment')
  const cut = assembler.label('cut_off')
  const unreachable = assembler.label('unreachable')
  const found = assembler.label('protocol')
  forgetPlaces(assembler, request)
  assembler.emit(movImmediate(r7, 0))
  assembler.place(loop)
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  jumpIfExtension(assembler, r1, known)
  assembler.emit(jump(found))
  assembler.place(known)
  assembler.emit(addImmediate(r7, 1), jumpIf('>', r7, immediate(MOST_HEADERS), cut))
  emitStep(assembler, request, read, { loop, fragment, cut })
  assembler.place(fragment)
  emitFragment(assembler, read, { loop, cut, unreachable, later: to.later })
  assembler.place(cut)
  noteCut(assembler, request)
  assembler.place(unreachable)
  assembler.emit(storeImmediate('u8', r6, fixedOffsets.transport, transport.unreachable), jump(to.cut))
  assembler.place(found)
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
  to: { loop: Label; fragment: Label; cut: Label },
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
  assembler.emit(add(r8, r3), jump(to.loop))
}

/** Behind a fragment header with an offset lies the middle of a datagram: a protocol right behind it counts, a further extension header cannot be read. */
function emitFragment(
  assembler: Assembler,
  read: HeaderReader,
  to: { loop: Label; cut: Label; unreachable: Label; later: Label },
): void {
  const later = assembler.label('later')
  read(assembler, 'transport', 4, to.cut)
  assembler.emit(
    load('u8', r2, r0, 0),
    load('u16', r3, r0, 2),
    be16(r3),
    andImmediate32(r3, 0xfff8),
    store('u8', r6, fixedOffsets.protocol, r2),
    jumpIf('!=', r3, immediate(0), later, 32),
    addImmediate(r8, 8),
    jump(to.loop),
  )
  assembler.place(later)
  jumpIfExtension(assembler, r2, to.unreachable)
  assembler.emit(
    storeImmediate('u8', r6, fixedOffsets.transport, transport.later),
    movImmediate(r8, 0),
    jump(to.later),
  )
}
