import { addImmediate, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r2, r10 } from '../asm/register.ts'

/**
 * Emits a loop that runs as often as r3 says, however often that is: the verifier follows its body once (open-coded iterators, Linux 6.4). The body
 * must leave r6 to r9 as numbers of the same kind; it leaves the loop by a jump to `done`, and begins the next turn by one to `next`. r0 to r5 do not last.
 * The iterator takes 8 bytes of the stack, at `place` from the frame pointer. When all turns are taken the loop goes to `over`, which the body places.
 */
export function emitTimes(
  assembler: Assembler,
  body: (next: Label, done: Label) => void,
  { place = -8, over }: { readonly place?: number; readonly over?: Label } = {},
): void {
  const iterator = [mov(r1, r10), addImmediate(r1, place)]
  const next = assembler.label('next')
  const done = assembler.label('done')
  assembler.emit(...iterator, movImmediate(r2, 0), callKfunc('bpf_iter_num_new'))
  assembler.place(next)
  assembler.emit(...iterator, callKfunc('bpf_iter_num_next'), jumpIf('==', r0, immediate(0), over ?? done))
  body(next, done)
  assembler.emit(jump(next))
  assembler.place(done)
  assembler.emit(...iterator, callKfunc('bpf_iter_num_destroy'))
}
