// A look-up of exact values. The key is made on the stack from the record; the value says what the rule does and where it counts:
//
//     byte 0          4
//          counter    action = the selector of a chain, where one is called << 10 | number of what is done
//          index, and of what drops malformed packets the slot of its rule
//
// Numbers of verdicts are 4 * (number of the counter array) + code; calls of chains have those that are left.

import { andImmediate32, mov32, rshImmediate32 } from '../asm/alu.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r2, r7 } from '../asm/register.ts'
import type { Item, Outcome } from '../item.ts'
import type { Dispatch } from '../tree/dispatch.ts'
import { type Entries, VALUE_SIZE } from '../tree/hash-table.ts'
import type { Entry } from './alike.ts'
import type { Frame } from './frame.ts'
import { type FieldPart, fieldParts, type KeyLayout, writeField, writeNumber } from './key.ts'
import { emitLookUp } from './look-up.ts'
import { type Called, emitSelected } from './outcome.ts'
import { emitProbe } from './parted.ts'
import { emitTest } from './test.ts'

const codes = { accept: 0, drop: 1, return: 2, continue: 3 } as const
const verdicts = Object.keys(codes) as (keyof typeof codes)[]
/** Dropped without being counted. */
export const HOTDROP = 0xffff_ffff
const NUMBER_BITS = 10
const NUMBERS = 2 ** NUMBER_BITS
const NUMBER_MASK = NUMBERS - 1

export function emitDispatch(frame: Frame, dispatch: Dispatch, next: Label): void {
  const { assembler } = frame
  for (const test of dispatch.common) emitTest(frame, test, next)
  const actions = actionsOf(frame, dispatch)
  const found = frame.lookUp({ dispatch, actions }, layout => entriesOf(dispatch, frame, actions, layout))
  emitLookUp(frame, found, dispatch.fields, next)
  if (frame.probe) return emitProbe(frame, frame.probe, [...actions], next)
  emitActions(frame, actions, next)
  // no other value is in the map
  assembler.emit(jump(frame.ending({ kind: 'drop' })))
}

/** What values say, by the number that stands for it. */
export type Actions = ReadonlyMap<number, Action>

export interface Action {
  /** The counter array. */
  readonly array: string
  readonly kind: Item['outcome']['kind']
  /** Of calls: what is called. */
  readonly called?: Called
}

/** What cases come to, and then what others may that an edit puts into the map later. */
function actionsOf(frame: Frame, { cases }: Dispatch): Actions {
  const actions = new Map<number, Action>()
  const calls = new Map<string, Action>()
  const arrays: string[] = []
  let last: Done | undefined
  for (let at = 0; at < cases.length; at++) {
    const { rule, outcome } = cases[at] as Item
    const { kind } = outcome
    if (kind === 'hotdrop') actions.set(HOTDROP, { array: '', kind })
    else {
      const { array } = frame.place(rule)
      const entry = entryFor(frame, outcome)
      // most do the same as the one before, and count in the same array
      if (last?.array === array.name && isSame(last, outcome, entry)) continue
      last = { array: array.name, outcome, entry }
      if (!arrays.includes(array.name)) arrays.push(array.name)
      const action = actionOf(frame, array.name, outcome)
      if (action.called === undefined) actions.set(actionNumber(arrays.indexOf(array.name), kind), action)
      else calls.set(keyOf(action), action)
    }
  }
  for (const [number, array] of arrays.entries())
    for (const kind of verdicts) {
      const action = actionNumber(number, kind)
      if (!actions.has(action)) actions.set(action, { array, kind })
    }
  // in an order that means nothing to edits: the values of a look-up that goes on have the numbers they had
  const inOrder = [...calls].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [at, [, action]] of inOrder.entries())
    actions.set(actionNumber(arrays.length, 'accept') + at, action)
  return actions
}

/** What is done for a case. */
interface Done {
  readonly array: string
  readonly outcome: Outcome
  /** How the chain is called that it goes to. */
  readonly entry: Entry | undefined
}

/** Undefined where no function is called. */
const entryFor = (frame: Frame, outcome: Outcome): Entry | undefined =>
  'chain' in outcome ? frame.entryOf(outcome.chain) : undefined

/** Whether packets are counted, and go on, by the same action. */
const isSame = (one: Done, outcome: Outcome, entry: Entry | undefined): boolean =>
  one.outcome === outcome ||
  (one.outcome.kind === outcome.kind && entry !== undefined && one.entry?.function === entry.function)

const actionNumber = (array: number, kind: Item['outcome']['kind']): number =>
  4 * array + codes[kind as keyof typeof codes]

const actionOf = (frame: Frame, array: string, outcome: Outcome): Action =>
  'chain' in outcome
    ? { array, kind: outcome.kind, called: calledBy(frame, outcome.chain) }
    : { array, kind: outcome.kind }

function calledBy(frame: Frame, chain: string): Called {
  const entry = frame.entryOf(chain)
  return entry ? { function: entry.function } : { inPlace: chain }
}

/** The same for actions that do the same. */
export const keyOf = ({ array, kind, called }: Action): string =>
  called ? `${array} ${kind} ${'inPlace' in called} ${nameOf(called)}` : `${array} ${kind}`

const nameOf = (called: Called): string => ('inPlace' in called ? called.inPlace : called.function)

/** Does what the value says whose halves are in r1 and r2. Control goes on behind where it says nothing. */
function emitActions(frame: Frame, actions: Actions, next: Label): void {
  const calls = [...actions.values()].some(({ called }) => called !== undefined)
  if (calls)
    frame.assembler.emit(mov32(r7, r2), rshImmediate32(r7, NUMBER_BITS), andImmediate32(r2, NUMBER_MASK))
  for (const [number, action] of actions)
    emitAction(frame, calls && number === HOTDROP ? NUMBER_MASK : number, action, next)
}

/** The selector of a chain is in r7. */
function emitAction(frame: Frame, number: number, { array, kind, called }: Action, next: Label): void {
  const { assembler } = frame
  if (kind === 'accept' || kind === 'drop' || kind === 'return' || kind === 'hotdrop') {
    const ending = kind === 'hotdrop' ? ({ kind: 'drop' } as const) : { kind, count: array }
    return assembler.emit(jumpIf('==', r2, immediate(number), frame.ending(ending), 32))
  }
  const other = assembler.label('other')
  assembler.emit(jumpIf('!=', r2, immediate(number), other, 32))
  frame.countOn(array)
  if (called && (kind === 'jump' || kind === 'goto')) emitSelected(frame, kind, called)
  if (kind !== 'goto') assembler.emit(jump(next))
  assembler.place(other)
}

function entriesOf(dispatch: Dispatch, frame: Frame, actions: Actions, layout: KeyLayout): Entries {
  const numbers = new Map([...actions].map(([number, action]) => [keyOf(action), number]))
  const count = dispatch.cases.length
  const keys = new DataView(new ArrayBuffer(count * layout.size))
  const values = new DataView(new ArrayBuffer(count * VALUE_SIZE))
  const numberFor = (array: string, outcome: Outcome): number =>
    numbers.get(keyOf(actionOf(frame, array, outcome))) ?? HOTDROP
  const parts = fieldParts(dispatch.fields, layout, frame.family)
  let last: (Done & { readonly number: number }) | undefined
  for (let at = 0; at < count; at++) {
    const { rule, outcome, sets } = dispatch.cases[at] as Item
    const counted = outcome.kind === 'hotdrop' ? undefined : frame.place(rule)
    const array = counted?.array.name ?? ''
    const entry = entryFor(frame, outcome)
    if (last?.array !== array || !isSame(last, outcome, entry))
      last = { array, outcome, entry, number: numberFor(array, outcome) }
    for (let index = 0; index < parts.length; index++) {
      const { field, to, bits } = parts[index] as FieldPart
      writeField(keys, at * layout.size + to, bits, sets.get(field)?.[0]?.low ?? 0)
    }
    if (layout.number !== undefined) writeNumber(keys, (at + 1) * layout.size, layout.number)
    writeValue(
      values,
      at * VALUE_SIZE,
      counted?.index ?? frame.slotOf(rule),
      withSelector(last.number, entry),
    )
  }
  return {
    count,
    keySize: layout.size,
    keys: new Uint8Array(keys.buffer),
    values: new Uint8Array(values.buffer),
  }
}

const withSelector = (action: number, entry: Entry | undefined): number =>
  entry?.selector ? action + entry.selector * NUMBERS : action

/** What the map holds for a rule that counts at an index of the array its action names. */
export function dispatchValue(index: number, action: number): Uint8Array {
  const value = new DataView(new ArrayBuffer(VALUE_SIZE))
  writeValue(value, 0, index, action)
  return new Uint8Array(value.buffer)
}

function writeValue(into: DataView, at: number, index: number, action: number): void {
  into.setUint32(at, index, true)
  into.setUint32(at + 4, action, true)
}
