// Whether one of a process's further groups is in a range, as a function of its own: the list is as long as the process wants it
// (owner_mt in net/netfilter/xt_owner.c).
//
// Registers:   r6  where the next group stands     r7  lowest     r8  highest     r9  what is found

import { addImmediate, mov, movImmediate } from '../asm/alu.ts'
import { createAssembler } from '../asm/assembler.ts'
import { exit, jump, jumpIf, register } from '../asm/jump.ts'
import { addMember } from '../asm/memory.ts'
import { peek, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9 } from '../asm/register.ts'
import type { FunctionSpec } from '../program.ts'
import { emitTimes } from './times.ts'

/** The address of a struct group_info is in r1, the range in r2 and r3; r0 is 1 where a group of it lies within, else 0. */
export const GROUP_FUNCTION = 'within_groups'

const GROUP_SIZE = 4

export function groupFunction(): FunctionSpec {
  const assembler = createAssembler()
  assembler.emit(
    mov(r6, r1),
    mov(r7, r2),
    mov(r8, r3),
    movImmediate(r9, 0),
    ...peek('u32', r3, r6, 'group_info', 'ngroups'),
    addMember(r6, 'group_info', 'gid'),
  )
  emitTimes(assembler, (next, done) =>
    assembler.emit(
      ...peekWord(r1, r6),
      addImmediate(r6, GROUP_SIZE),
      jumpIf('<', r1, register(r7), next, 32),
      jumpIf('>', r1, register(r8), next, 32),
      movImmediate(r9, 1),
      jump(done),
    ),
  )
  assembler.emit(mov(r0, r9), exit())
  return {
    name: GROUP_FUNCTION,
    parameters: [
      { name: 'groups', type: { kind: 'scalar' } },
      { name: 'low', type: { kind: 'scalar' } },
      { name: 'high', type: { kind: 'scalar' } },
    ],
    instructions: assembler.assemble(),
  }
}
