// Reads the transport header into the record: how much of it is there, then ports, ICMP type and code, TCP flags, SPI.

import { andImmediate32, be16, be32, mov32, rshImmediate32, sub32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r2, r6, r8, r9 } from '../asm/register.ts'
import { fixedOffsets } from '../emit/record.ts'
import { type FieldName, headerSizes, transport } from '../field.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

/** Emits code that gets `size` bytes of the packet to where r0 points: at an offset from the network header, or at the offset in r8. */
export type HeaderReader = (
  assembler: Assembler,
  at: number | 'transport',
  size: number,
  missing: Label,
) => void

const PORTS_SIZE = 4

/** A field and how it comes from the header that r0 points to into r1. */
interface HeaderField {
  readonly field: FieldName
  readonly read: readonly Instruction[]
}

/** The first four bytes are ports, or an ICMP type and code: each field is asked only together with its protocol. */
const commonFields: readonly HeaderField[] = [
  { field: 'sport', read: [load('u16', r1, r0, 0), be16(r1)] },
  { field: 'dport', read: [load('u16', r1, r0, 2), be16(r1)] },
  { field: 'icmp-type', read: [load('u8', r1, r0, 0)] },
  { field: 'icmp-code', read: [load('u8', r1, r0, 1)] },
]

/** Those that lie further behind, or that another protocol has elsewhere. */
const ownFields: readonly (HeaderField & { readonly protocol: number })[] = [
  { protocol: 6, field: 'tcp-flags', read: [load('u8', r1, r0, 13)] },
  {
    protocol: 33,
    field: 'dccp-type',
    read: [load('u8', r1, r0, 8), rshImmediate32(r1, 1), andImmediate32(r1, 0x0f)],
  },
  { protocol: 50, field: 'spi', read: [load('u32', r1, r0, 0), be32(r1)] },
  { protocol: 51, field: 'spi', read: [load('u32', r1, r0, 4), be32(r1)] },
  { protocol: 135, field: 'mobility-next', read: [load('u8', r1, r0, 0)] },
  { protocol: 135, field: 'mobility-type', read: [load('u8', r1, r0, 2)] },
]

const TRANSPORT_FIELDS: ReadonlySet<FieldName> = new Set<FieldName>([
  'transport',
  ...[...commonFields, ...ownFields].map(({ field }) => field),
])

export const needsTransport = ({ fields }: PrologueRequest): boolean =>
  [...fields].some(field => TRANSPORT_FIELDS.has(field))

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
  assembler.emit(load('u8', r1, r6, fixedOffsets.protocol))
  for (const protocol of [...protocols].sort((a, b) => a - b)) {
    const other = assembler.label('protocol')
    const size = headerSizes[protocol] ?? 0
    assembler.emit(jumpIf('!=', r1, immediate(protocol), other, 32))
    assembler.emit(jumpIf('>=', r2, immediate(size), whole, 32))
    // a comparison whose outcome the verifier knows already makes it follow r2, and so r8, through the whole walk along extension headers
    if (size > PORTS_SIZE)
      assembler.emit(
        storeImmediate('u8', r6, fixedOffsets.transport, transport.ports),
        jumpIf('>=', r2, immediate(PORTS_SIZE), whole, 32),
      )
    assembler.emit(storeImmediate('u8', r6, fixedOffsets.transport, transport.short), jump(whole))
    assembler.place(other)
  }
}

function emitFields(assembler: Assembler, request: PrologueRequest, read: HeaderReader, done: Label): void {
  const asked = <F extends HeaderField>(list: readonly F[]): F[] =>
    list.filter(({ field }) => request.fields.has(field))
  const common = asked(commonFields)
  const emitRead = ({ field, read: instructions }: HeaderField): void =>
    assembler.emit(...instructions, storeField(request, field, r1))
  const own = asked(ownFields).filter(({ protocol }) => request.protocols.has(protocol))
  for (const protocol of new Set(own.map(field => field.protocol))) {
    const other = assembler.label('protocol')
    assembler.emit(
      load('u8', r1, r6, fixedOffsets.protocol),
      jumpIf('!=', r1, immediate(protocol), other, 32),
    )
    read(assembler, 'transport', headerSizes[protocol] ?? 0, other)
    for (const field of [...own.filter(field => field.protocol === protocol), ...common]) emitRead(field)
    assembler.emit(jump(done))
    assembler.place(other)
  }
  if (common.length === 0) return
  read(assembler, 'transport', PORTS_SIZE, done)
  for (const field of common) emitRead(field)
}
