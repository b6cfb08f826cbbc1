// What separate trees answer: which rule of the run is met first, what it does and where it counts, in one word. That of the smaller position
// counts, so answers are compared as they are.
//
//     bit 63      32 31    24 23       0
//         position   action   counter      all bits set: no rule is met

import { andImmediate32, mov32, rshImmediate32 } from '../asm/alu.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r2 } from '../asm/register.ts'
import type { Item, Outcome } from '../item.ts'
import type { Frame } from './frame.ts'
import { emitCall, pastOf } from './outcome.ts'

/** An outcome, and the counter array of the rules that have it. */
export interface Action {
  readonly array: string
  readonly outcome: Outcome
}

/** By the number that stands for them in answers. */
export interface Answers {
  readonly actions: readonly Action[]
  /** Bits 31 to 0 of an item's answer. Throws RangeError where they do not suffice. */
  of(item: Item): number
}

const MOST_ACTIONS = 256
const COUNTER_BITS = 24

export const NO_ANSWER = -1

/** Of each counter array, outcomes and their numbers. */
type Numbers = Map<string, Map<string, { readonly outcome: Outcome; number: number }>>

const arrayOf = (frame: Frame, { rule, outcome }: Item): string =>
  isUncounted(outcome) ? '' : frame.place(rule).array.name

const isUncounted = ({ kind }: Outcome): boolean => kind === 'hotdrop' || kind === 'past'

const keyOf = (outcome: Outcome): string =>
  'chain' in outcome ? `${outcome.kind} ${outcome.chain}` : outcome.kind

/** Numbers all outcomes that items have, in the order of their names. */
function numberOutcomes(frame: Frame, items: readonly Item[]): Numbers {
  const numbers: Numbers = new Map()
  for (const item of items) {
    const array = arrayOf(frame, item)
    const own = numbers.get(array) ?? new Map()
    const key = keyOf(item.outcome)
    if (!own.has(key)) own.set(key, { outcome: item.outcome, number: 0 })
    numbers.set(array, own)
  }
  const all = [...numbers].flatMap(([array, own]) =>
    [...own].map(([key, numbered]) => ({ name: `${array} ${key}`, numbered })),
  )
  all.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const [number, { numbered }] of all.entries()) numbered.number = number
  return numbers
}

/** What items come to; the numbers depend on nothing but which outcomes there are. */
export function answersOf(frame: Frame, items: readonly Item[]): Answers {
  const numbers = numberOutcomes(frame, items)
  const actions: Action[] = []
  for (const [array, own] of numbers)
    for (const { outcome, number } of own.values()) actions[number] = { array, outcome }
  return {
    actions,
    of: item => {
      const place = isUncounted(item.outcome) ? undefined : frame.place(item.rule)
      const index = place?.index ?? 0
      const number = numbers.get(place?.array.name ?? '')?.get(keyOf(item.outcome))?.number ?? MOST_ACTIONS
      if (number >= MOST_ACTIONS || index >= 2 ** COUNTER_BITS)
        throw new RangeError(`no answer says action ${number} and counter ${index}`)
      return number * 2 ** COUNTER_BITS + index
    },
  }
}

/** The position of an answer and what it says. */
export const answerAt = (position: number, said: number): bigint => (BigInt(position) << 32n) | BigInt(said)

/** Does what the answer in r0 says, or goes to `next` where there is none. */
export function emitAnswer(frame: Frame, actions: readonly Action[], next: Label): void {
  frame.assembler.emit(
    jumpIf('==', r0, immediate(NO_ANSWER), next),
    mov32(r1, r0),
    andImmediate32(r1, 2 ** COUNTER_BITS - 1),
    mov32(r2, r0),
    rshImmediate32(r2, COUNTER_BITS),
  )
  emitActions(frame, actions, next)
}

/** Does the action whose number is in r2, counting at the index in r1. */
export function emitActions(frame: Frame, actions: readonly Action[], next: Label): void {
  const choose = (from: number, to: number): void => {
    const { [from]: action } = actions
    if (to - from <= 1) return action && emitAction(frame, action, next)
    const middle = (from + to) >> 1
    const upper = frame.assembler.label('actions')
    frame.assembler.emit(jumpIf('>=', r2, immediate(middle), upper, 32))
    choose(from, middle)
    frame.assembler.place(upper)
    choose(middle, to)
  }
  choose(0, actions.length)
}

function emitAction(frame: Frame, { array, outcome }: Action, next: Label): void {
  const { assembler } = frame
  if (outcome.kind === 'hotdrop') return assembler.emit(jump(frame.ending({ kind: 'drop' })))
  if (outcome.kind === 'past') return assembler.emit(jump(pastOf(frame)))
  if (outcome.kind === 'accept' || outcome.kind === 'drop' || outcome.kind === 'return')
    return assembler.emit(jump(frame.ending({ kind: outcome.kind, count: array })))
  frame.countOn(array)
  if ('chain' in outcome) emitCall(frame, outcome)
  if (outcome.kind !== 'goto') assembler.emit(jump(next))
}
