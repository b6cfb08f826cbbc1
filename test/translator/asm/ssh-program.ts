// A small program for tests: two functions, a map, two rules. It is a real one, which the verifier accepts.

import {
  addImmediate,
  be16,
  mov,
  movImmediate,
  movImmediate32,
  sub,
  subImmediate,
} from '../../../translator/asm/alu.ts'
import { createAssembler } from '../../../translator/asm/assembler.ts'
import { call, callFunction, exit, immediate, jump, jumpIf, register } from '../../../translator/asm/jump.ts'
import { atomicAdd, load, loadMap, store } from '../../../translator/asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r10 } from '../../../translator/asm/register.ts'
import type { FunctionSpec, MapSpec, ProgramSpec } from '../../../translator/program.ts'

export const sshRules = ['-A INPUT -p tcp --dport 22 -j ACCEPT', '-A INPUT -j DROP']

const counters: MapSpec = {
  name: 'counters',
  type: 'PERCPU_ARRAY',
  keySize: 4,
  valueSize: 16,
  maxEntries: 2,
  flags: 0,
  shared: true,
}

/** count(index, bytes): one packet more for a counter of packets and bytes. */
const count = (): FunctionSpec => {
  const assembler = createAssembler()
  const none = assembler.label('none')
  assembler.emit(
    mov(r6, r2),
    store('u32', r10, -4, r1),
    loadMap(r1, counters.name),
    mov(r2, r10),
    addImmediate(r2, -4),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), none),
    load('u64', r1, r0, 0),
    addImmediate(r1, 1),
    store('u64', r0, 0, r1),
    atomicAdd('u64', r0, 8, r6),
  )
  assembler.place(none)
  assembler.emit(movImmediate(r0, 0), exit())
  const scalar = { kind: 'scalar' } as const
  return {
    name: 'count',
    parameters: [
      { name: 'index', type: scalar },
      { name: 'bytes', type: scalar },
    ],
    instructions: assembler.assemble(),
  }
}

/** Where the context of a hook has the frame, and what it takes for verdicts. */
const hooks = {
  xdp: { type: 'XDP', data: 0, dataEnd: 4, accept: 2, drop: 1 },
  'tc-ingress': { type: 'SCHED_CLS', data: 76, dataEnd: 80, accept: 0, drop: 2 },
} as const

type SshHook = keyof typeof hooks

/** Lets IPv4 frames (no options) to TCP port 22 pass and drops all others. */
const filter = (hook: SshHook): FunctionSpec => {
  const { data, dataEnd, ...verdicts } = hooks[hook]
  const assembler = createAssembler()
  const drop = assembler.label('drop')
  const end = assembler.label('end')
  assembler.emit(load('u32', r6, r1, dataEnd), load('u32', r7, r1, data))
  assembler.withOrigin({ comment: 'bytes of the IP packet' }, () =>
    assembler.emit(mov(r2, r6), sub(r2, r7), subImmediate(r2, 14)),
  )
  assembler.withOrigin({ rule: 0 }, () => {
    assembler.withOrigin({ comment: 'truncated' }, () =>
      assembler.emit(mov(r1, r7), addImmediate(r1, 38), jumpIf('>', r1, register(r6), drop)),
    )
    assembler.withOrigin({ comment: 'protocol' }, () =>
      assembler.emit(load('u8', r3, r7, 23), jumpIf('!=', r3, immediate(6), drop, 32)),
    )
    assembler.withOrigin({ comment: 'destination port' }, () =>
      assembler.emit(load('u16', r3, r7, 36), be16(r3), jumpIf('!=', r3, immediate(22), drop, 32)),
    )
    assembler.emit(movImmediate(r1, 0), callFunction('count'), movImmediate32(r0, verdicts.accept), jump(end))
  })
  assembler.place(drop)
  assembler.withOrigin({ rule: 1 }, () =>
    assembler.emit(movImmediate(r1, 1), callFunction('count'), movImmediate32(r0, verdicts.drop)),
  )
  assembler.place(end)
  assembler.emit(exit())
  return {
    name: 'ssh',
    parameters: [{ name: 'ctx', type: { kind: 'context' } }],
    instructions: assembler.assemble(),
  }
}

export const sshProgram = (hook: SshHook = 'xdp'): ProgramSpec => ({
  name: 'ssh',
  hook,
  type: hooks[hook].type,
  license: 'Dual MIT/GPL',
  functions: [filter(hook), count()],
  maps: [counters],
})
