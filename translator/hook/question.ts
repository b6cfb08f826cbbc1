// Answers questions into the record: each is code that goes on where the answer is yes, and leaves where it is no.

import { addImmediate, be16, be32, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64 } from '../asm/memory.ts'
import { type Register, r0, r1, r8, r9 } from '../asm/register.ts'
import {
  answerCount,
  answers,
  asksExtension,
  isQuestionField,
  type Question,
  type QuestionField,
  questionOf,
} from '../question.ts'
import { emitCbpf } from './cbpf.ts'
import { emitAddresses, emitAddressesAmong, emitOptions, emitSegment } from './extension-question.ts'
import { storeField } from './field.ts'
import { forget, forgetPacket } from './forget.ts'
import type { PrologueRequest } from './hook.ts'
import { emitChunks, emitDccpOption } from './list-question.ts'
import type { HeaderReader } from './transport.ts'
import { emitU32 } from './u32.ts'

/** What questions are asked with. */
export interface QuestionReader {
  /** Reads at an offset in r8 of which nothing is known but that the packet has so many bytes there. */
  readonly readAny: HeaderReader
  /** Packets have no extension headers here. */
  readonly plain?: true
  /** Where stack is free from there down, from the frame pointer. */
  readonly below: number
}

/** With the packet's L3 bytes in r9. Destroys r7 and r8. */
export function emitQuestions(assembler: Assembler, request: PrologueRequest, reader: QuestionReader): void {
  const asked = [...request.fields].filter(isQuestionField).filter(field => !isAnswered(field, reader))
  for (const field of asked) {
    // else the verifier would follow it for all that it has learnt before
    assembler.emit(...forgetPacket(request.record))
    const no = assembler.label('no')
    const answered = assembler.label('answered')
    const malformed = answerCount(field) === 3 ? assembler.label('malformed') : undefined
    emitQuestion(assembler, questionOf(field), { request, reader, no, malformed: malformed ?? no })
    assembler.emit(movImmediate(r1, answers.yes), jump(answered))
    if (malformed) {
      assembler.place(malformed)
      assembler.emit(movImmediate(r1, answers.malformed), jump(answered))
    }
    assembler.place(no)
    assembler.emit(movImmediate(r1, answers.no))
    assembler.place(answered)
    // else the verifier would follow all that comes behind for every set of answers
    assembler.emit(...forget(r1), storeField(request, field, r1))
  }
}

/** Of headers that are not there, every record says no from the beginning. */
const isAnswered = (field: QuestionField, { plain }: QuestionReader): boolean =>
  plain === true && asksExtension(field)

interface Asking {
  readonly request: PrologueRequest
  readonly reader: QuestionReader
  readonly no: Label
  readonly malformed: Label
}

function emitQuestion(assembler: Assembler, question: Question, asking: Asking): void {
  const { request, reader, no } = asking
  const yes = assembler.label('yes')
  switch (question.kind) {
    case 'u32':
      emitU32(assembler, question.tests, reader, no)
      break
    case 'bpf':
      emitCbpf(assembler, question.program, { family: request.family, reader, yes, no })
      break
    case 'addresses':
      emitAddresses(assembler, question, { request, reader, no })
      break
    case 'addresses-among':
      emitAddressesAmong(assembler, question, { request, reader, no })
      break
    case 'segment':
      emitSegment(assembler, question, { request, reader, no })
      break
    case 'options':
      emitOptions(assembler, question, { request, reader, no })
      break
    case 'chunks':
      emitChunks(assembler, question, asking)
      break
    case 'dccp-option':
      emitDccpOption(assembler, question.option, asking)
      break
  }
  assembler.place(yes)
}

/** Loads the number of so many bytes at the offset in r8; goes to `outside` where the packet has not all of them. */
export function loadNumber(
  assembler: Assembler,
  { readAny }: QuestionReader,
  into: Register,
  bytes: 1 | 2 | 4,
  outside: Label,
): void {
  assembler.emit(mov(r1, r8), addImmediate(r1, bytes), jumpIf('>', r1, register(r9), outside))
  readAny(assembler, 'transport', bytes, outside)
  assembler.emit(...loads[bytes](into))
}

const loads: Readonly<Record<1 | 2 | 4, (into: Register) => readonly Instruction[]>> = {
  1: into => [load('u8', into, r0, 0)],
  2: into => [load('u16', into, r0, 0), be16(into)],
  4: into => [load('u32', into, r0, 0), be32(into)],
}

/** A constant of 32 bits, zero-extended. */
export const constant = (into: Register, value: number): Instruction =>
  value <= 0x7fff_ffff ? movImmediate(into, value) : loadImmediate64(into, value)
