import type { Family } from 'iptables-parser'
import { mov, movImmediate } from '../asm/alu.ts'
import { callFunction, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r6 } from '../asm/register.ts'
import type { Item, Outcome } from '../item.ts'
import { chainResult, type Frame } from './frame.ts'

/** What happens to a packet that matches: it is counted, and goes where the target sends it; falls through where the next rule is asked. */
export function emitOutcome(frame: Frame, { rule, outcome }: Item): void {
  const { assembler } = frame
  if (outcome.kind === 'hotdrop') return assembler.emit(jump(frame.ending({ kind: 'drop' })))
  if (outcome.kind === 'past') return assembler.emit(jump(pastOf(frame)))
  const { array, index } = frame.place(rule)
  assembler.emit(movImmediate(r1, index))
  // counting is the ending's, so that a leaf is two instructions
  if (!('chain' in outcome || outcome.kind === 'continue'))
    return assembler.emit(jump(frame.ending({ kind: outcome.kind, count: array.name })))
  frame.countOn(array.name)
  if ('chain' in outcome) emitCall(frame, outcome)
}

function pastOf({ past }: Frame): Label {
  if (!past) throw new RangeError('only what lies over other blocks leads past them')
  return past
}

/** Calls a chain, which after a goto returns to where this one would have. */
export function emitCall(frame: Frame, { kind, chain }: Extract<Outcome, { chain: string }>): void {
  callChain(frame, chain)
  if (kind === 'goto') frame.assembler.emit(jump(frame.ending({ kind: 'return' })))
}

function callChain(frame: Frame, chain: string): void {
  const { assembler } = frame
  if (!frame.isFunction(chain)) {
    const done = assembler.label('returned')
    frame.inline(chain, done)
    assembler.place(done)
    return
  }
  assembler.emit(
    mov(r1, r6),
    callFunction(chainFunctionName(chain, frame.family)),
    jumpIf('==', r0, immediate(chainResult.accept), frame.ending({ kind: 'accept' })),
    jumpIf('==', r0, immediate(chainResult.drop), frame.ending({ kind: 'drop' })),
  )
}

/** A C identifier for the chain's function; different chains never share one. */
export const chainFunctionName = (chain: string, family: Family): string =>
  `chain${family}_${[...chain].map(character => (/[A-Za-z0-9]/.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`)).join('')}`
