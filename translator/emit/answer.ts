// What separate trees answer: which rule of the run is met first, what it does and where it counts, in one word. That of the smaller position
// counts, so answers are compared as they are.
//
//     bit 63      32 31    24 23       0
//         position   action   counter      all bits set: no rule is met

import { andImmediate32, mov32, rshImmediate32 } from '../asm/alu.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r2 } from '../asm/register.ts'
import { type Item, isFinal, type Outcome } from '../item.ts'
import type { Frame } from './frame.ts'
import { emitCall, pastOf } from './outcome.ts'
import { emitProbe } from './parted.ts'

/** An outcome, and the counter array of the rules that have it. */
export interface Action {
  readonly array: string
  readonly outcome: Outcome
}

export interface Answers {
  /** By the number that stands for them in answers. */
  readonly actions: readonly Action[]
  /** Bits 31 to 0 of each item's answer; in place of a counter, what drops malformed packets has its rule's slot. */
  readonly said: Uint32Array
}

export const MOST_ACTIONS = 256
export const COUNTER_BITS = 24

export const NO_ANSWER = -1

interface Numbered {
  readonly name: string
  readonly action: Action
  number: number
}

const isUncounted = ({ kind }: Outcome): boolean => kind === 'hotdrop' || kind === 'past'

const keyOf = (outcome: Outcome): string =>
  'chain' in outcome ? `${outcome.kind} ${outcome.chain}` : outcome.kind

/** The same for actions that do and count the same. */
export const actionKey = ({ array, outcome }: Action): string => `${array} ${keyOf(outcome)}`

/** What answers are made with. */
type Placing = Pick<Frame, 'place' | 'slotOf'>

/**
 * What items come to; the numbers depend on nothing but which outcomes there are, and if they are to be alike for different items not even on which verdicts there are.
 * Throws RangeError where bits do not suffice.
 */
export function answersOf(frame: Placing, items: readonly Item[], alike = false): Answers {
  const known = new Actions()
  const said = new Uint32Array(items.length)
  const numbered = new Array<Numbered>(items.length)
  for (let position = 0; position < items.length; position++) {
    const { rule, outcome } = items[position] as Item
    const place = isUncounted(outcome) ? undefined : frame.place(rule)
    const index = place?.index ?? (outcome.kind === 'hotdrop' ? frame.slotOf(rule) : 0)
    if (index >= 2 ** COUNTER_BITS) throw new RangeError(`no answer says counter ${index}`)
    said[position] = index
    numbered[position] = known.of(place?.array.name ?? '', outcome)
  }
  if (alike) known.addVerdicts(items.every(isFinal))
  const actions = known.inOrder()
  if (actions.length > MOST_ACTIONS) throw new RangeError(`no answer says action ${MOST_ACTIONS}`)
  for (let position = 0; position < said.length; position++)
    said[position] = (numbered[position] as Numbered).number * 2 ** COUNTER_BITS + (said[position] as number)
  return { actions, said }
}

const VERDICTS = ['accept', 'drop', 'return'] as const

/** The different actions of items. */
class Actions {
  /** Of each counter array, by what they do. */
  readonly #known = new Map<string, Map<string, Numbered>>()
  /** Of the array that was asked for last: most rules count where the one before does, and verdicts are few objects. */
  readonly #ofLast = new Map<Outcome, Numbered>()
  #lastArray = ''

  of(array: string, outcome: Outcome): Numbered {
    if ('chain' in outcome) return this.#find(array, outcome)
    if (array !== this.#lastArray) this.#ofLast.clear()
    this.#lastArray = array
    const known = this.#ofLast.get(outcome)
    if (known) return known
    const found = this.#find(array, outcome)
    this.#ofLast.set(outcome, found)
    return found
  }

  #find(array: string, outcome: Outcome): Numbered {
    const own = this.#known.get(array) ?? new Map<string, Numbered>()
    if (own.size === 0) this.#known.set(array, own)
    const key = keyOf(outcome)
    const known = own.get(key)
    if (known) return known
    const added = { name: `${array} ${key}`, action: { array, outcome }, number: 0 }
    own.set(key, added)
    return added
  }

  /** All that rules without calls come to, of each counter array. */
  addVerdicts(isFinal: boolean): void {
    this.of('', { kind: 'hotdrop' })
    for (const array of [...this.#known.keys()].filter(name => name !== ''))
      for (const kind of isFinal ? VERDICTS : ([...VERDICTS, 'continue'] as const)) this.of(array, { kind })
  }

  /** Numbers them in the order of their names. */
  inOrder(): readonly Action[] {
    const all = [...this.#known.values()].flatMap(own => [...own.values()])
    all.sort((a, b) => (a.name < b.name ? -1 : 1))
    return all.map((numbered, number) => {
      numbered.number = number
      return numbered.action
    })
  }
}

/** The position of an answer and what it says. */
export const answerAt = (position: number, said: number): bigint => (BigInt(position) << 32n) | BigInt(said)

/** Does what the answer in r0 says, or goes to `next` where there is none; packets that go on do so at `on`. */
export function emitAnswer(frame: Frame, actions: readonly Action[], next: Label, on: Label = next): void {
  frame.assembler.emit(
    jumpIf('==', r0, immediate(NO_ANSWER), next),
    mov32(r1, r0),
    andImmediate32(r1, 2 ** COUNTER_BITS - 1),
    mov32(r2, r0),
    rshImmediate32(r2, COUNTER_BITS),
  )
  if (frame.probe) return emitProbe(frame, frame.probe, [...actions.entries()], next)
  emitActions(frame, actions, on)
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
