// Reads the IP header into the record; the same for all hooks but for how bytes are got at and what is checked first.

import { andImmediate32, be16, be32, be64, lshImmediate32, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r6, r8 } from '../asm/register.ts'
import { recordOffsets } from '../emit/record.ts'
import { transport } from '../field.ts'
import type { PrologueRequest } from './hook.ts'
import { emitExtensionWalk } from './ipv6.ts'
import { emitTransport, type HeaderReader, needsTransport } from './transport.ts'

export interface IpReader {
  readonly read: HeaderReader
  /** Where to go where there is no IP header. */
  readonly missing: Label
  /** Emits checks of the IP header that r0 points to, and must leave it there. */
  check?(): void
  /** Only packets get past the checks whose transport header follows the fixed IP header at once. */
  readonly plain?: true
}

export const ipHeaderSize = { 4: 20, 6: 40 } as const

/** With the packet's L3 bytes in r9. Goes on with the record filled. */
export function emitIp(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  reader.read(assembler, 0, ipHeaderSize[request.family], reader.missing)
  reader.check?.()
  if (request.family === 4) emitIpv4(assembler, request, reader)
  else emitIpv6(assembler, request, reader)
}

function emitIpv4(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  const { fields } = request
  for (const [field, offset] of [
    ['saddr', 12],
    ['daddr', 16],
  ] as const)
    if (fields.has(field))
      assembler.emit(load('u32', r1, r0, offset), be32(r1), store('u32', r6, recordOffsets[field], r1))
  assembler.emit(load('u8', r1, r0, 9), store('u8', r6, recordOffsets.protocol, r1))
  if (!needsTransport(request) && !fields.has('fragment')) return
  if (reader.plain) return emitPlainTransport(assembler, request, reader)
  const first = assembler.label('first_fragment')
  const done = assembler.label('headers')
  assembler.emit(
    load('u8', r8, r0, 0),
    andImmediate32(r8, 0x0f),
    lshImmediate32(r8, 2),
    load('u16', r1, r0, 6),
    be16(r1),
    andImmediate32(r1, 0x1fff),
    jumpIf('==', r1, immediate(0), first, 32),
    storeImmediate('u8', r6, recordOffsets.fragment, 1),
    storeImmediate('u8', r6, recordOffsets.transport, transport.later),
    jumpIf('!=', r1, immediate(1), done, 32),
    storeImmediate('u8', r6, recordOffsets.transport, transport.overlap),
    jump(done),
  )
  assembler.place(first)
  emitTransport(assembler, request, reader.read, done)
  assembler.place(done)
}

function emitIpv6(assembler: Assembler, request: PrologueRequest, reader: IpReader): void {
  const { fields } = request
  for (const [field, offset] of [
    ['saddr', 8],
    ['daddr', 24],
  ] as const) {
    if (!fields.has(field)) continue
    for (const half of [0, 8])
      assembler.emit(
        load('u64', r1, r0, offset + half),
        be64(r1),
        store('u64', r6, recordOffsets[field] + half, r1),
      )
  }
  if (!fields.has('protocol') && !needsTransport(request)) return
  assembler.emit(load('u8', r1, r0, 6), store('u8', r6, recordOffsets.protocol, r1))
  if (reader.plain) return emitPlainTransport(assembler, request, reader)
  const done = assembler.label('headers')
  assembler.emit(movImmediate(r8, ipHeaderSize[6]))
  emitExtensionWalk(assembler, reader.read, done)
  if (needsTransport(request)) emitTransport(assembler, request, reader.read, done)
  assembler.place(done)
}

function emitPlainTransport(assembler: Assembler, request: PrologueRequest, { read }: IpReader): void {
  if (!needsTransport(request)) return
  const done = assembler.label('headers')
  assembler.emit(movImmediate(r8, ipHeaderSize[request.family]))
  emitTransport(assembler, request, read, done)
  assembler.place(done)
}
