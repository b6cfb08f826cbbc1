// What is attached to a hook for good: a program that calls the current generation's (see lane.ts). An empty slot means that what
// should filter here is gone, so the packet is dropped: closed is the safe way for a firewall to fail.

import { add, addImmediate, andImmediate, lshImmediate, mov, movImmediate } from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import { call, exit, immediate, jumpIf } from '../asm/jump.ts'
import { load, loadMap, loadMapValue, loadMember } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6 } from '../asm/register.ts'
import {
  generationMap,
  LANES,
  type Lane,
  laneIndex,
  netfilterLane,
  programArray,
  programType,
} from '../lane.ts'
import type { ProgramSpec, ProgramType } from '../program.ts'
import { isNetfilterHook, netfilterPlaces } from './place.ts'

const NFPROTO_IPV6 = 10
const DROP: Readonly<Record<ProgramType, number>> = { XDP: 1, SCHED_CLS: 2, NETFILTER: 0 }

export function dispatcher(hook: Lane['hook']): ProgramSpec {
  const assembler = createAssembler()
  const type = programType(hook)
  const programs = programArray(type)
  assembler.emit(mov(r6, r1))
  emitLane(assembler, hook)
  assembler.emit(
    loadMapValue(r2, generationMap.name),
    load('u64', r2, r2, 0),
    andImmediate(r2, 1),
    lshImmediate(r2, Math.log2(LANES)),
    add(r3, r2),
    mov(r1, r6),
    loadMap(r2, programs.name),
    call('bpf_tail_call'),
    movImmediate(r0, DROP[type]),
    exit(),
  )
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
    maps: [generationMap, programs],
  }
}

/** The lane into r3. A netfilter dispatcher serves both families. */
function emitLane(assembler: Assembler, hook: Lane['hook']): void {
  if (!isNetfilterHook(hook)) return assembler.emit(movImmediate(r3, laneIndex({ hook })))
  const ipv4 = assembler.label('ipv4')
  assembler.emit(
    movImmediate(r3, netfilterLane(hook)),
    loadMember('u64', r2, r1, 'bpf_nf_ctx', 'state'),
    loadMember('u8', r2, r2, 'nf_hook_state', 'pf'),
    jumpIf('!=', r2, immediate(NFPROTO_IPV6), ipv4),
    addImmediate(r3, 1),
  )
  assembler.place(ipv4)
}
