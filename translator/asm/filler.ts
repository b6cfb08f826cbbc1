// More room between instructions, for a JIT compiler that cannot lay a program out.
//
// On x86 it lays a program out again and again, with jumps of two bytes where they reach and longer ones elsewhere, until it is as long as the time before
// (bpf_int_jit_compile in arch/x86/net/bpf_jit_comp.c). A jump back is measured from where it stood before to where its target stands now: it may grow by as much as
// what is before it shrinks, and then the compiler takes the layout for settled, finds that it is not, and gives up. Every exit but the first of a function is such a
// jump. Few programs meet this, and hardly one that did does so again where its distances are others.

import { jumpDistance } from './encode.ts'
import { immediate32, offset16 } from './field.ts'
import type { Instruction } from './instruction.ts'
import { Class, EXIT, GOTOL, Jmp, Source, slotsOf } from './opcode.ts'
import { r10 } from './register.ts'

/** A jump to what follows anyway: five bytes of machine code, whatever registers hold. The verifier takes out one that has no condition. */
const filler: Instruction = {
  opcode: Class.JMP | Jmp.JNE | Source.X,
  dst: r10,
  src: r10,
  offset: 0,
  immediate: 0,
  origin: { comment: 'room for the JIT compiler' },
}

/** The instructions of a function with so many fillers before each jump back. Throws AssemblyError where a jump then reaches no more. */
export function withFillers(instructions: readonly Instruction[], count: number): Instruction[] {
  const backward = jumpsBack(instructions)
  const fillers = Array.from({ length: count }, () => filler)
  /** By slot: fillers before it. Those right before it do not count for a jump there, which comes to them first. */
  const before: number[] = []
  let put = 0
  for (const [at, { opcode }] of instructions.entries()) {
    before.push(put)
    if (slotsOf(opcode) === 2) before.push(put)
    if (backward.has(at)) put += count
  }
  let slot = 0
  return instructions.flatMap((instruction, at) => {
    const here = slot
    slot += slotsOf(instruction.opcode)
    const own = backward.has(at) ? fillers : []
    const target = targetOf(instruction, here)
    if (target === undefined) return [...own, instruction]
    const more = (before[target] ?? put) - (before[here] ?? 0) - own.length
    return [...own, farther(instruction, more)]
  })
}

/** Which instructions jump back, as exits do behind the first. */
function jumpsBack(instructions: readonly Instruction[]): ReadonlySet<number> {
  const back = new Set<number>()
  let [slot, exits] = [0, 0]
  for (const [at, instruction] of instructions.entries()) {
    const target = targetOf(instruction, slot)
    if (instruction.opcode === EXIT ? exits++ > 0 : target !== undefined && target <= slot) back.add(at)
    slot += slotsOf(instruction.opcode)
  }
  return back
}

/** The slot that a jump at a slot leads to; undefined of what is no jump. */
function targetOf(instruction: Instruction, slot: number): number | undefined {
  const distance = jumpDistance(instruction)
  return distance === undefined ? undefined : slot + 1 + distance
}

const farther = (jump: Instruction, by: number): Instruction =>
  jump.opcode === GOTOL
    ? { ...jump, immediate: immediate32(Number(jump.immediate) + by) }
    : { ...jump, offset: offset16(jump.offset + by) }
