// Counting: where packets go on by a function for each counter array, verified once however often it is called; where they end in place.

import { add, addImmediate, mov, movImmediate } from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call, callFunction, exit, immediate, jumpIf } from '../asm/jump.ts'
import { atomicAdd, load, loadMap, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r6, r10 } from '../asm/register.ts'
import type { CounterArray } from '../counter.ts'
import { forget } from '../hook/forget.ts'
import { isProcessContext } from '../hook/place.ts'
import type { FunctionSpec, Hook, MapSpec } from '../program.ts'
import { FIXED_SIZE, LENGTH_OFFSET } from './record.ts'

export const COUNTER_SIZE = 16

export const counterMap = ({ name, entries }: CounterArray): MapSpec => ({
  name,
  type: 'PERCPU_ARRAY',
  keySize: 4,
  valueSize: COUNTER_SIZE,
  maxEntries: entries,
  flags: 0,
  shared: true,
})

export const countFunctionName = (array: string): string => `count_${array}`

/** Counts the packet in an array; the index is in r1. Destroys r0 to r5. */
export const countCall = (array: string): Instruction[] => [
  mov(r2, r6),
  ...unused,
  callFunction(countFunctionName(array)),
]

/**
 * The verifier takes all five registers of arguments for read where another function is called (compute_insn_live_regs in kernel/bpf/verifier.c). What stood in them would tell turns of a
 * loop apart that nothing else tells apart: it went along trees eighty times before it was through with a loop that one turn stands for.
 */
const unused: readonly Instruction[] = [r3, r4, r5].map(register => movImmediate(register, 0))

export const countAt = (array: string, index: number): Instruction[] => [
  movImmediate(r1, index),
  ...countCall(array),
]

/** Counts the packet in an array; the index is in r1. Destroys r0 to r5. */
export function emitCount(assembler: Assembler, array: string, hook: Hook): void {
  const counted = assembler.label('counted')
  assembler.emit(
    store('u32', r10, -4, r1),
    mov(r2, r10),
    addImmediate(r2, -4),
    loadMap(r1, array),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), counted),
    load('u32', r2, r6, LENGTH_OFFSET),
    ...(isProcessContext(hook) ? addAtomically() : addPlainly()),
  )
  assembler.place(counted)
}

/**
 * The same in place of a call, since to return takes some nanoseconds where a processor has to be kept from guessing where to. The verifier
 * would go through it once for every index it knows.
 */
export function emitCountInPlace(assembler: Assembler, array: string, hook: Hook): void {
  assembler.emit(load('u32', r2, r6, LENGTH_OFFSET), ...forget(r1, r2))
  emitCount(assembler, array, hook)
}

export function countFunction(array: string, hook: Hook, name = countFunctionName(array)): FunctionSpec {
  const assembler = createAssembler()
  const done = assembler.label('done')
  assembler.emit(mov(r6, r2), jumpIf('==', r6, immediate(0), done))
  emitCount(assembler, array, hook)
  assembler.place(done)
  assembler.emit(movImmediate(r0, 0), exit())
  return {
    name,
    parameters: [
      { name: 'index', type: { kind: 'scalar' } },
      // no more than it needs: functions that go on from another program have no more (see edit/chain-code.ts)
      { name: 'record', type: { kind: 'memory', size: FIXED_SIZE } },
    ],
    instructions: assembler.assemble(),
  }
}

/**
 * A CPU's counters are its own, but at LOCAL_OUT and POST_ROUTING a packet of a process may be interrupted by one that the kernel sends, in the
 * middle of an addition. There the addition is one instruction; everywhere else packets are handled in softirq context, which does not nest.
 */
const addPlainly = (): Instruction[] => [
  load('u64', r1, r0, 0),
  addImmediate(r1, 1),
  store('u64', r0, 0, r1),
  load('u64', r1, r0, 8),
  add(r1, r2),
  store('u64', r0, 8, r1),
]

const addAtomically = (): Instruction[] => [
  movImmediate(r1, 1),
  atomicAdd('u64', r0, 0, r1),
  atomicAdd('u64', r0, 8, r2),
]
