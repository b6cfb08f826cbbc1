// What is attached to a hook for good: a program that calls the current generation's (see lane.ts). An empty slot means that what
// should filter here is gone, so the packet is dropped: closed is the safe way for a firewall to fail.

import { andImmediate, movImmediate } from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import { call, exit, immediate, jumpIf } from '../asm/jump.ts'
import { load, loadMap, loadMapValue, loadMember } from '../asm/memory.ts'
import { r0, r1, r2, r3 } from '../asm/register.ts'
import {
  generationMap,
  LANES,
  type Lane,
  laneIndex,
  netfilterLane,
  programArray,
  programType,
} from '../lane.ts'
import type { MapSpec, ProgramSpec, ProgramType } from '../program.ts'
import { isNetfilterHook, netfilterPlaces } from './place.ts'

const NFPROTO_IPV6 = 10
const DROP: Readonly<Record<ProgramType, number>> = { XDP: 1, SCHED_CLS: 2, NETFILTER: 0 }

/**
 * Each slot is called where nothing else is: for a number that is known when the program is loaded the kernel makes the call a jump, and writes the jump
 * anew when the slot is written. One that is told by a register costs some 8 ns more where indirect jumps have to be guarded.
 */
export function dispatcher(hook: Lane['hook']): ProgramSpec {
  const assembler = createAssembler()
  const type = programType(hook)
  const odd = assembler.label('odd_generation')
  if (isNetfilterHook(hook))
    assembler.emit(
      loadMember('u64', r3, r1, 'bpf_nf_ctx', 'state'),
      loadMember('u8', r3, r3, 'nf_hook_state', 'pf'),
    )
  assembler.emit(
    loadMapValue(r2, generationMap.name),
    load('u64', r2, r2, 0),
    andImmediate(r2, 1),
    jumpIf('!=', r2, immediate(0), odd),
  )
  emitBank(assembler, hook, 0)
  assembler.place(odd)
  emitBank(assembler, hook, LANES)
  return {
    name: `bt_${isNetfilterHook(hook) ? netfilterPlaces[hook].name : hook.replaceAll('-', '_')}`,
    hook,
    type,
    license: 'Dual MIT/GPL',
    functions: [
      {
        name: 'dispatch',
        parameters: [{ name: 'ctx', type: { kind: 'context' } }],
        instructions: assembler.assemble(),
      },
    ],
    maps: dispatcherMaps(hook),
  }
}

export const dispatcherMaps = (hook: Lane['hook']): readonly MapSpec[] => [
  generationMap,
  programArray(programType(hook)),
]

/** Calls the program of a bank. A netfilter dispatcher serves both families: r3 is the packet's there. */
function emitBank(assembler: Assembler, hook: Lane['hook'], bank: number): void {
  if (!isNetfilterHook(hook)) return emitCall(assembler, hook, bank + laneIndex({ hook }))
  const ipv4 = assembler.label('ipv4')
  assembler.emit(jumpIf('!=', r3, immediate(NFPROTO_IPV6), ipv4))
  emitCall(assembler, hook, bank + netfilterLane(hook) + 1)
  assembler.place(ipv4)
  emitCall(assembler, hook, bank + netfilterLane(hook))
}

/** Goes on behind the call only where the slot is empty. */
function emitCall(assembler: Assembler, hook: Lane['hook'], slot: number): void {
  const type = programType(hook)
  assembler.emit(
    movImmediate(r3, slot),
    loadMap(r2, programArray(type).name),
    call('bpf_tail_call'),
    movImmediate(r0, DROP[type]),
    exit(),
  )
}
