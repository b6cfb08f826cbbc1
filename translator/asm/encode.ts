// Instructions as the kernel takes them: slots of 8 bytes, little endian.
//
//   byte   0        1                2..3     4..7
//          opcode   src << 4 | dst   offset   immediate
//
// LDDW's second slot holds the upper half of its immediate and is zero elsewhere.

import { immediate32, offset16 } from './field.ts'
import type { Instruction } from './instruction.ts'
import { CALL, CallSource, Class, classOf, EXIT, GOTOL, LDDW, slotsOf } from './opcode.ts'
import { registerOf } from './register.ts'

/** Bytes of a slot. */
export const SLOT = 8

/** Number of slots the instructions take. */
export const slotCount = (instructions: readonly Instruction[]): number =>
  instructions.reduce((sum, instruction) => sum + slotsOf(instruction.opcode), 0)

/** Bytes of a program. Fields that a relocation fills in are encoded as they are, which is zero. */
export const encode = (instructions: readonly Instruction[]): Uint8Array => {
  const bytes = new Uint8Array(slotCount(instructions) * SLOT)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { opcode, dst, src, offset, immediate } of instructions) {
    view.setUint8(at, opcode)
    view.setUint8(at + 1, (src << 4) | dst)
    view.setInt16(at + 2, offset16(offset), true)
    if (opcode === LDDW) {
      const wide = BigInt.asIntN(64, BigInt(immediate))
      view.setInt32(at + 4, Number(BigInt.asIntN(32, wide)), true)
      view.setInt32(at + 12, Number(wide >> 32n), true)
    } else view.setInt32(at + 4, immediate32(Number(immediate)), true)
    at += slotsOf(opcode) * SLOT
  }
  return bytes
}

/**
 * Instructions of a program's bytes. What `encode` leaves out (relocations, origins, labels) does not come back.
 * @throws RangeError for bytes that are not whole instructions
 */
export const decode = (bytes: Uint8Array): Instruction[] => {
  if (bytes.length % SLOT !== 0) throw new RangeError(`${bytes.length} bytes are not whole slots`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const instructions: Instruction[] = []
  for (let at = 0; at < bytes.length; ) {
    const opcode = view.getUint8(at)
    const registers = view.getUint8(at + 1)
    const low = view.getInt32(at + 4, true)
    if (opcode === LDDW && at + 2 * SLOT > bytes.length)
      throw new RangeError(`slot ${at / SLOT} is half of an instruction`)
    instructions.push({
      opcode,
      dst: registerOf(registers & 0x0f),
      src: registerOf(registers >> 4),
      offset: view.getInt16(at + 2, true),
      immediate: opcode === LDDW ? (BigInt(view.getInt32(at + 12, true)) << 32n) | BigInt(low >>> 0) : low,
    })
    at += slotsOf(opcode) * SLOT
  }
  return instructions
}

/** How far a jump goes: slots from the one behind it. Undefined for what is no jump. */
export const jumpDistance = (instruction: Instruction): number | undefined => {
  const { opcode, offset, immediate } = instruction
  const instructionClass = classOf(opcode)
  if (instructionClass !== Class.JMP && instructionClass !== Class.JMP32) return undefined
  if (opcode === GOTOL) return Number(immediate)
  return opcode === CALL || opcode === EXIT ? undefined : offset
}

/** Whether the instruction calls another function of the program. */
export const isFunctionCall = (instruction: Instruction): boolean =>
  instruction.opcode === CALL && instruction.src === CallSource.FUNCTION
