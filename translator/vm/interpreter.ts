// Runs instructions, one after the other, until the main function exits.
// Source: RFC 9669.

import {
  Alu,
  CALL,
  CallSource,
  Class,
  classOf,
  EXIT,
  GOTOL,
  JA,
  LDDW,
  Mode,
  modeOf,
  operationOf,
  usesSource,
} from '../asm/opcode.ts'
import { runAtomic, runLoad, runLoadImmediate64, runStore, runStoreImmediate } from './access.ts'
import { alu32, alu64, type Operand, swapBytes } from './alu.ts'
import { compare, narrow } from './compare.ts'
import { VmError } from './error.ts'
import { callHelper } from './helper.ts'
import { callKfunc } from './kfunc.ts'
import { type LinkedInstruction, type LinkedProgram, placeOf } from './link.ts'
import { currentFrame, type Frame, type Machine } from './machine.ts'
import { newRegion } from './memory.ts'
import { highOf, lowOf, setRegister } from './register-file.ts'

/** Bytes of stack each function has; MAX_BPF_STACK of include/linux/filter.h. */
const STACK = 512

/** MAX_CALL_FRAMES of include/linux/bpf_verifier.h. */
const mostFrames = 8

const unsupported = ({ opcode }: LinkedInstruction): never => {
  throw new VmError('ERR_VM_UNSUPPORTED', `opcode 0x${opcode.toString(16)}`)
}

const operandOf = ({ registers }: Machine, { opcode, src, low, high }: LinkedInstruction): Operand =>
  usesSource(opcode) ? { low: lowOf(registers, src), high: highOf(registers, src) } : { low, high }

const runAlu = (machine: Machine, linked: LinkedInstruction): void => {
  const { opcode, dst, offset, low } = linked
  const { registers } = machine
  const isWide = classOf(opcode) === Class.ALU64
  const operation = operationOf(opcode)
  const done =
    operation === Alu.END
      ? swapBytes(registers, dst, low, isWide || usesSource(opcode))
      : (isWide ? alu64 : alu32)(registers, operation, dst, operandOf(machine, linked), offset)
  if (!done) unsupported(linked)
}

/** The slot to go on with. */
const runJump = (machine: Machine, linked: LinkedInstruction): number => {
  const { opcode, dst, next, target } = linked
  if (opcode === JA || opcode === GOTOL) return target
  const { registers } = machine
  const left = { low: lowOf(registers, dst), high: highOf(registers, dst) }
  const right = operandOf(machine, linked)
  const holds =
    classOf(opcode) === Class.JMP
      ? compare(operationOf(opcode), left, right)
      : compare(operationOf(opcode), narrow(left), narrow(right))
  return (holds ?? unsupported(linked)) ? target : next
}

/** Give the function a stack, and keep what it must leave alone. */
const enter = (machine: Machine, frame: Pick<Frame, 'program' | 'fn'>): void => {
  const { registers, frames, memory } = machine
  if (frames.length >= mostFrames)
    throw new VmError('ERR_VM_CONTROL', `more than ${mostFrames} functions deep`)
  frames.push({ ...frame, slot: 0, saved: registers.slice(12) })
  const { low, high } = memory.map(newRegion('the stack', new Uint8Array(STACK), true), STACK)
  setRegister(registers, 10, low, high)
}

const callFunction = (machine: Machine, { instruction, next }: LinkedInstruction): void => {
  const frame = currentFrame(machine)
  const name = instruction.relocation?.kind === 'function' ? instruction.relocation.name : undefined
  const fn = name === undefined ? undefined : frame.program.functions.get(name)
  if (!fn) throw new VmError('ERR_VM_CONTROL', `the program has no function ${name}`)
  frame.slot = next
  enter(machine, { program: frame.program, fn })
}

/** A call destroys r1 to r5; programs that rely on them are seen. */
const scramble = ({ registers }: Machine): void => {
  for (let register = 1; register <= 5; register++) setRegister(registers, register, 0xdead_beef, 0xdead_beef)
}

const runCall = (machine: Machine, linked: LinkedInstruction): void => {
  const { src, low, next, instruction } = linked
  if (src === CallSource.FUNCTION) {
    callFunction(machine, linked)
    return
  }
  const frame = currentFrame(machine)
  if (src === CallSource.HELPER) {
    if (!callHelper(machine, low)) return
  } else if (instruction.relocation?.kind === 'kfunc') callKfunc(machine, instruction.relocation.name)
  else unsupported(linked)
  scramble(machine)
  frame.slot = next
}

/** Back to the caller. */
const runExit = ({ frames, registers }: Machine): void => {
  const frame = frames.pop()
  if (frame) registers.set(frame.saved, 12)
}

const runMemory = (machine: Machine, linked: LinkedInstruction): void => {
  const { opcode } = linked
  const mode = modeOf(opcode)
  const kind = classOf(opcode)
  if (opcode === LDDW) runLoadImmediate64(machine, linked)
  else if (kind === Class.LDX && (mode === Mode.MEM || mode === Mode.MEMSX)) runLoad(machine, linked)
  else if (kind === Class.ST && mode === Mode.MEM) runStoreImmediate(machine, linked)
  else if (kind === Class.STX && mode === Mode.MEM) runStore(machine, linked)
  else if (kind === Class.STX && mode === Mode.ATOMIC) runAtomic(machine, linked)
  else unsupported(linked)
}

const step = (machine: Machine, frame: Frame, linked: LinkedInstruction): void => {
  switch (classOf(linked.opcode)) {
    case Class.ALU:
    case Class.ALU64:
      runAlu(machine, linked)
      frame.slot = linked.next
      break
    case Class.JMP:
    case Class.JMP32:
      if (linked.opcode === CALL) runCall(machine, linked)
      else if (linked.opcode === EXIT) runExit(machine)
      else frame.slot = runJump(machine, linked)
      break
    default:
      runMemory(machine, linked)
      frame.slot = linked.next
  }
}

/** Names the instruction in errors that do not. */
const withPlace = (error: unknown, frame: Frame): unknown =>
  error instanceof VmError && !error.place
    ? new VmError(error.code, error.message, placeOf(frame.program, frame.fn, frame.slot))
    : error

/** Called before each instruction. */
export type Trace = (frame: Readonly<Frame>, linked: LinkedInstruction) => void

const runOne = (machine: Machine, frame: Frame, trace: Trace | undefined): void => {
  const linked = frame.fn.slots[frame.slot]
  if (!linked) throw new VmError('ERR_VM_CONTROL', 'control left the function')
  trace?.(frame, linked)
  step(machine, frame, linked)
}

/**
 * Run a program with its context in r1. How many instructions it took; its result is in r0.
 * @throws VmError naming the instruction
 */
export const interpret = (machine: Machine, program: LinkedProgram, limit: number, trace?: Trace): number => {
  const { low, high } = machine.context.address
  setRegister(machine.registers, 1, low, high)
  enter(machine, { program, fn: program.main })
  for (let count = 0; ; count++) {
    const frame = machine.frames.at(-1)
    if (!frame) return count
    const { program: before, fn, slot } = frame
    try {
      if (count >= limit) throw new VmError('ERR_VM_LIMIT', `more than ${limit} instructions`)
      runOne(machine, frame, trace)
    } catch (error) {
      throw withPlace(error, { ...frame, program: before, fn, slot })
    }
  }
}
