import { mov } from '../asm/alu.ts'
import { callFunction, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r2, r6, r7 } from '../asm/register.ts'
import type { Item, Outcome } from '../item.ts'
import { numberIn } from './alike.ts'
import { chainResult, type Frame } from './frame.ts'

/** What happens to a packet that matches: it is counted, and goes where the target sends it; falls through where the next rule is asked. */
export function emitOutcome(frame: Frame, { rule, outcome }: Item): void {
  const { assembler } = frame
  if (outcome.kind === 'hotdrop') return assembler.emit(jump(frame.ending({ kind: 'drop' })))
  if (outcome.kind === 'past') return assembler.emit(jump(pastOf(frame)))
  const { array, index } = frame.place(rule)
  const column = frame.row?.counters.get(rule)
  assembler.emit(...numberIn(r1, frame.row, column, index))
  // counting is the ending's, so that a leaf is two instructions
  if (!('chain' in outcome || outcome.kind === 'continue'))
    return assembler.emit(jump(frame.ending({ kind: outcome.kind, count: array.name })))
  frame.countOn(array.name)
  if ('chain' in outcome) emitCall(frame, outcome)
}

/** Throws RangeError where nothing lies under the block. */
export function pastOf({ past }: Frame): Label {
  if (!past) throw new RangeError('only what lies over other blocks leads past them')
  return past
}

/** Calls a chain, which after a goto returns to where this one would have. */
export function emitCall(frame: Frame, { kind, chain }: Extract<Outcome, { chain: string }>): void {
  const entry = frame.entryOf(chain)
  const column = frame.row?.selectors.get(chain)
  if (entry?.selector !== undefined) frame.assembler.emit(...numberIn(r2, frame.row, column, entry.selector))
  callChain(frame, kind, entry ?? { inPlace: chain })
}

/** What a value of a look-up calls: a function, or a chain that stands in place. */
export type Called = { readonly function: string } | { readonly inPlace: string }

/** Calls it; the selector is in r7. */
export function emitSelected(frame: Frame, kind: 'jump' | 'goto', called: Called): void {
  if ('function' in called) frame.assembler.emit(mov(r2, r7))
  callChain(frame, kind, called)
}

function callChain(frame: Frame, kind: 'jump' | 'goto', called: Called): void {
  if ('function' in called) callFunctionOf(frame, called.function)
  else {
    const done = frame.assembler.label('returned')
    frame.inline(called.inPlace, done)
    frame.assembler.place(done)
  }
  if (kind === 'goto') frame.assembler.emit(jump(frame.ending({ kind: 'return' })))
}

/** Calls a function that chains stand in; the selector is in r2, where it has several. Goes on behind where the chain returns. */
function callFunctionOf(frame: Frame, name: string): void {
  frame.assembler.emit(
    mov(r1, r6),
    callFunction(name),
    jumpIf('==', r0, immediate(chainResult.accept), frame.ending({ kind: 'accept' })),
    jumpIf('==', r0, immediate(chainResult.drop), frame.ending({ kind: 'drop' })),
  )
}
