// Whether a control group is another one or lies below it, as a function of its own. Groups are known by the ids of their directories; each keeps a list of its
// ancestors, with itself at the end (cgroup_is_descendant in include/linux/cgroup.h).
//
// Registers:   r6  id asked for     r7  place in the list of ancestors     r8  what is found

import { addImmediate, mov, movImmediate } from '../asm/alu.ts'
import { createAssembler } from '../asm/assembler.ts'
import { exit, jump, jumpIf, register } from '../asm/jump.ts'
import { addMember } from '../asm/memory.ts'
import { peek, peekPointer, peekWord } from '../asm/peek.ts'
import { r0, r1, r2, r3, r4, r6, r7, r8 } from '../asm/register.ts'
import type { FunctionSpec } from '../program.ts'
import { emitTimes } from './times.ts'

/** The address of the group is in r1, the id of the other in r2; r0 is 1 where it lies within, else 0. */
export const CGROUP_FUNCTION = 'within_cgroup'

const POINTER = 8

export function cgroupFunction(): FunctionSpec {
  const assembler = createAssembler()
  assembler.emit(
    mov(r6, r2),
    mov(r7, r1),
    movImmediate(r8, 0),
    ...peek('u32', r3, r7, 'cgroup', 'level'),
    addMember(r7, 'cgroup', 'ancestors'),
    addImmediate(r3, 1),
  )
  emitTimes(assembler, (next, done) =>
    assembler.emit(
      ...peekWord(r4, r7),
      addImmediate(r7, POINTER),
      ...peekPointer(r4, r4, 'cgroup', 'kn'),
      addMember(r4, 'kernfs_node', 'id'),
      ...peekWord(r1, r4),
      jumpIf('!=', r1, register(r6), next),
      movImmediate(r8, 1),
      jump(done),
    ),
  )
  assembler.emit(mov(r0, r8), exit())
  return {
    name: CGROUP_FUNCTION,
    parameters: [
      { name: 'cgroup', type: { kind: 'scalar' } },
      { name: 'id', type: { kind: 'scalar' } },
    ],
    instructions: assembler.assemble(),
  }
}
