// From a slot number, as the verifier counts, back to the instruction of the spec.

import type { Instruction } from '../../../translator/asm/instruction.ts'
import { slotsOf } from '../../../translator/asm/opcode.ts'
import type { FunctionSpec, ProgramSpec } from '../../../translator/program.ts'
import type { Image } from '../image.ts'

/** One instruction of a program, found again by its slot. */
export interface Place {
  readonly function: string
  /** Index into the function's instructions. */
  readonly index: number
  /** Slot in the whole program, as the verifier counts. */
  readonly slot: number
  readonly instruction: Instruction
}

const placeIn = (fn: FunctionSpec, start: number, slot: number): Place | undefined => {
  let at = start
  for (const [index, instruction] of fn.instructions.entries()) {
    const next = at + slotsOf(instruction.opcode)
    if (slot < next) return { function: fn.name, index, slot, instruction }
    at = next
  }
  return undefined
}

/** The instruction a slot belongs to; undefined past the end. */
export const placeOf = (spec: ProgramSpec, image: Pick<Image, 'starts'>, slot: number): Place | undefined => {
  const which = image.starts.findLastIndex(start => start <= slot)
  const fn = spec.functions[which]
  return fn && placeIn(fn, image.starts[which] ?? 0, slot)
}
