// Reads the transport header into the record: how much of it is there, then ports, ICMP type and code, TCP flags.

import { be16, mov32, sub32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, store, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r2, r6, r8, r9 } from '../asm/register.ts'
import { recordOffsets } from '../emit/record.ts'
import { type FieldName, headerSizes, transport } from '../field.ts'
import type { PrologueRequest } from './hook.ts'

/** Emits code that gets `size` bytes of the packet to where r0 points: at an offset from the network header, or at the transport header, whose offset is in r8. */
export type HeaderReader = (
  assembler: Assembler,
  at: number | 'transport',
  size: number,
  missing: Label,
) => void

const PORTS_SIZE = 4
const TCP = 6
const TCP_SIZE = 20

const TRANSPORT_FIELDS: readonly FieldName[] = [
  'transport',
  'sport',
  'dport',
  'icmp-type',
  'icmp-code',
  'tcp-flags',
]

export const needsTransport = ({ fields }: PrologueRequest): boolean =>
  TRANSPORT_FIELDS.some(field => fields.has(field))

/** With the transport header's offset in r8 and the packet's length in r9. Goes on, or to `done`. */
export function emitTransport(
  assembler: Assembler,
  request: PrologueRequest,
  read: HeaderReader,
  done: Label,
): void {
  const whole = assembler.label('whole')
  // r2: bytes from the transport header on, not negative
  const inside = assembler.label('inside')
  assembler.emit(mov32(r2, r9), jumpIf('>=', r2, register(r8), inside, 32), mov32(r2, r8))
  assembler.place(inside)
  assembler.emit(sub32(r2, r8))
  emitExtent(assembler, request, whole)
  assembler.place(whole)
  emitFields(assembler, request, read, done)
}

/** Sets the field `transport`; goes to `whole` with all packets that have their four bytes of ports, and drops out by itself where not. */
function emitExtent(assembler: Assembler, { protocols }: PrologueRequest, whole: Label): void {
  assembler.emit(load('u8', r1, r6, recordOffsets.protocol))
  for (const protocol of [...protocols].sort((a, b) => a - b)) {
    const other = assembler.label('protocol')
    assembler.emit(jumpIf('!=', r1, immediate(protocol), other, 32))
    assembler.emit(jumpIf('>=', r2, immediate(headerSizes[protocol] ?? 0), whole, 32))
    assembler.emit(storeImmediate('u8', r6, recordOffsets.transport, transport.ports))
    assembler.emit(jumpIf('>=', r2, immediate(PORTS_SIZE), whole, 32))
    assembler.emit(storeImmediate('u8', r6, recordOffsets.transport, transport.short), jump(whole))
    assembler.place(other)
  }
}

function emitFields(
  assembler: Assembler,
  { fields, protocols }: PrologueRequest,
  read: HeaderReader,
  done: Label,
): void {
  const wanted = TRANSPORT_FIELDS.filter(field => field !== 'transport' && fields.has(field))
  if (wanted.length === 0) return
  if (fields.has('tcp-flags') && protocols.has(TCP)) {
    const other = assembler.label('no_flags')
    assembler.emit(load('u8', r1, r6, recordOffsets.protocol), jumpIf('!=', r1, immediate(TCP), other, 32))
    read(assembler, 'transport', TCP_SIZE, other)
    assembler.emit(load('u8', r1, r0, 13), store('u8', r6, recordOffsets['tcp-flags'], r1))
    emitPorts(assembler, fields)
    assembler.emit(jump(done))
    assembler.place(other)
  }
  read(assembler, 'transport', PORTS_SIZE, done)
  emitPorts(assembler, fields)
}

/** The first four bytes are ports, or an ICMP type and code: each field is asked only together with its protocol. */
function emitPorts(assembler: Assembler, fields: PrologueRequest['fields']): void {
  for (const [field, offset] of [
    ['sport', 0],
    ['dport', 2],
  ] as const)
    if (fields.has(field))
      assembler.emit(load('u16', r1, r0, offset), be16(r1), store('u16', r6, recordOffsets[field], r1))
  for (const [field, offset] of [
    ['icmp-type', 0],
    ['icmp-code', 1],
  ] as const)
    if (fields.has(field))
      assembler.emit(load('u8', r1, r0, offset), store('u8', r6, recordOffsets[field], r1))
}
