// The least that any filter at netfilter has to do: the headers read into the record, and one counter for all packets. What rules cost
// beyond that is the filter's own.

import { movImmediate } from '../../translator/asm/alu.ts'
import { createAssembler } from '../../translator/asm/assembler.ts'
import { exit } from '../../translator/asm/jump.ts'
import { r0, r1 } from '../../translator/asm/register.ts'
import { counterMap, emitCountInPlace } from '../../translator/emit/count.ts'
import { recordLayout } from '../../translator/emit/record.ts'
import type { FieldName } from '../../translator/field.ts'
import { frameOf } from '../../translator/hook/registry.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { protocolNumber } from '../frame.ts'
import { type JudgedLane, programOf } from './judge.ts'

const FIELDS: ReadonlySet<FieldName> = new Set<FieldName>([
  'saddr',
  'daddr',
  'protocol',
  'transport',
  'sport',
  'dport',
])

const array = { name: 'counters0', entries: 1 } as const

/** Reads what a five-tuple rule asks for, counts the packet, and accepts it. */
export function headersProgram(lane: JudgedLane): ProgramSpec {
  const { family } = lane
  const assembler = createAssembler()
  const frame = frameOf(lane)
  const needs = { fields: FIELDS, protocols: new Set([protocolNumber.tcp, protocolNumber.udp]) }
  const record = recordLayout([{ family, fields: FIELDS }])
  const ready = assembler.label('ready')
  const ways = { pass: assembler.label('pass'), refuse: assembler.label('refuse') }
  frame.prologue(assembler, [{ ...needs, family, standalone: false, record, ready }], ways)
  assembler.place(ready)
  assembler.emit(movImmediate(r1, 0))
  emitCountInPlace(assembler, array.name, lane.hook)
  assembler.place(ways.pass)
  assembler.emit(movImmediate(r0, frame.verdicts.accept), exit())
  assembler.place(ways.refuse)
  assembler.emit(movImmediate(r0, frame.verdicts.drop), exit())
  return programOf(lane, 'headers', assembler.assemble(), [counterMap(array), ...frame.maps])
}
