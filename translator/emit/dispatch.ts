// A look-up in a hash map. The key is made on the stack from the record; the value says what the rule does and where it counts:
//
//     byte 0          4
//          counter    action = the selector of a chain, where one is called << 10 | number of what is done
//          index
//
// Numbers of verdicts are 4 * (number of the counter array) + code; calls of chains have those that are left.

import type { Family } from 'iptables-parser'
import { addImmediate, andImmediate32, mov, mov32, rshImmediate32 } from '../asm/alu.ts'
import { call, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMap, store, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r2, r6, r7, r10 } from '../asm/register.ts'
import type { Block } from '../chain.ts'
import { type FieldName, fieldOf } from '../field.ts'
import type { Item, Outcome } from '../item.ts'
import type { Plan } from '../plan.ts'
import type { MapSpec } from '../program.ts'
import { type Dispatch, keyValues } from '../tree/dispatch.ts'
import type { Point } from '../tree/interval.ts'
import type { Frame } from './frame.ts'
import { type Called, emitSelected } from './outcome.ts'
import { sizeOf } from './record.ts'
import { emitTest } from './test.ts'

const codes = { accept: 0, drop: 1, return: 2, continue: 3 } as const
const verdicts = Object.keys(codes) as (keyof typeof codes)[]
/** Dropped without being counted. */
export const HOTDROP = 0xffff_ffff
const NUMBER_BITS = 10
const NUMBER_MASK = 2 ** NUMBER_BITS - 1
export const VALUE_SIZE = 8

const bytesOf = (field: FieldName, family: Family): number => Math.max(1, fieldOf(field).bits(family) / 8)

interface KeyLayout {
  readonly offsets: ReadonlyMap<FieldName, number>
  /** Bytes. */
  readonly size: number
}

/** Where each field stands in the key, and its size, which a multiple of 8 bytes holds; widest fields first so that each is aligned. */
export function keyLayout(names: readonly FieldName[], family: Family): KeyLayout {
  const offsets = new Map<FieldName, number>()
  let size = 0
  for (const field of names.toSorted((a, b) => bytesOf(b, family) - bytesOf(a, family))) {
    offsets.set(field, size)
    size += Math.ceil(bytesOf(field, family))
  }
  return { offsets, size: Math.ceil(size / 8) * 8 }
}

/** Bytes of the largest key that a plan's chains look up. */
export const largestKey = ({ chains }: Plan, family: Family): number =>
  Math.max(0, ...[...chains.values()].flatMap(({ blocks }) => keySizes(blocks, family)))

const keySizes = (blocks: readonly Block[], family: Family): number[] =>
  blocks.flatMap(block => {
    if (block.kind === 'split') return keySizes([...block.whole, ...block.odd], family)
    return block.kind === 'dispatch' ? [keyLayout(block.fields, family).size] : []
  })

export function emitDispatch(frame: Frame, dispatch: Dispatch, next: Label): void {
  const { assembler, family } = frame
  const { offsets, size } = keyLayout(dispatch.fields, family)
  for (const test of dispatch.common) emitTest(frame, test, next)
  for (let offset = 0; offset < size; offset += 8)
    assembler.emit(storeImmediate('u64', r10, offset - size, 0))
  for (const [field, offset] of offsets) emitKeyField(frame, field, offset - size)
  const actions = actionsOf(frame, dispatch)
  const map = frame.table(dispatchMap(dispatch, frame, actions), { dispatch, actions })
  assembler.emit(
    loadMap(r1, map),
    mov(r2, r10),
    addImmediate(r2, -size),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), next),
  )
  assembler.emit(load('u32', r1, r0, 0), load('u32', r2, r0, 4))
  emitActions(frame, actions, next)
  // no other value is in the map
  assembler.emit(jump(frame.ending({ kind: 'drop' })))
}

function emitKeyField({ assembler, family, record }: Frame, field: FieldName, at: number): void {
  const bits = fieldOf(field).bits(family)
  const halves = bits > 64 ? [0, 8] : [0]
  for (const half of halves)
    assembler.emit(
      load(sizeOf(bits), r1, r6, record.offset(field) + half),
      store(sizeOf(bits), r10, at + half, r1),
    )
}

/** What values say, by the number that stands for it. */
export type Actions = ReadonlyMap<number, Action>

interface Action {
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
  for (const { rule, outcome } of cases) {
    const { kind } = outcome
    if (kind === 'hotdrop') actions.set(HOTDROP, { array: '', kind })
    else {
      const { array } = frame.place(rule)
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
  for (const [at, action] of [...calls.values()].entries())
    actions.set(actionNumber(arrays.length, 'accept') + at, action)
  return actions
}

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

const keyOf = ({ array, kind, called }: Action): string =>
  called ? `${array} ${kind} ${'inPlace' in called} ${Object.values(called)}` : `${array} ${kind}`

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

function dispatchMap(dispatch: Dispatch, frame: Frame, actions: Actions): Omit<MapSpec, 'name'> {
  const layout = keyLayout(dispatch.fields, frame.family)
  const numbers = new Map([...actions].map(([number, action]) => [keyOf(action), number]))
  const count = dispatch.cases.length
  const keys = new DataView(new ArrayBuffer(count * layout.size))
  const values = new DataView(new ArrayBuffer(count * VALUE_SIZE))
  for (const [at, item] of dispatch.cases.entries()) {
    const { rule, outcome } = item
    const counted = outcome.kind === 'hotdrop' ? undefined : frame.place(rule)
    const action = numbers.get(keyOf(actionOf(frame, counted?.array.name ?? '', outcome))) ?? HOTDROP
    writeKey(keys, at * layout.size, dispatch.fields, layout, frame.family, keyValues(item, dispatch.fields))
    writeValue(values, at * VALUE_SIZE, counted?.index ?? 0, withSelector(frame, action, outcome))
  }
  return {
    type: 'HASH',
    keySize: layout.size,
    valueSize: VALUE_SIZE,
    maxEntries: withRoom(count),
    flags: 0,
    shared: false,
    contents: { count, keys: new Uint8Array(keys.buffer), values: new Uint8Array(values.buffer) },
  }
}

function withSelector(frame: Frame, action: number, outcome: Outcome): number {
  const { selector = 0 } = ('chain' in outcome && frame.entryOf(outcome.chain)) || {}
  return selector === 0 ? action : action + selector * 2 ** NUMBER_BITS
}

/** Room for rules that are put into the map while the program runs. */
const withRoom = (cases: number): number => cases + Math.max(64, Math.min(cases >> 2, 1 << 14))

/** The key for a value of each field. */
export function dispatchKey(
  names: readonly FieldName[],
  layout: KeyLayout,
  family: Family,
  values: readonly Point[],
): Uint8Array {
  const key = new DataView(new ArrayBuffer(layout.size))
  writeKey(key, 0, names, layout, family, values)
  return new Uint8Array(key.buffer)
}

/** What the map holds for a rule that counts at an index of the array its action names. */
export function dispatchValue(index: number, action: number): Uint8Array {
  const value = new DataView(new ArrayBuffer(VALUE_SIZE))
  writeValue(value, 0, index, action)
  return new Uint8Array(value.buffer)
}

function writeKey(
  into: DataView,
  at: number,
  names: readonly FieldName[],
  { offsets }: KeyLayout,
  family: Family,
  values: readonly Point[],
): void {
  for (let index = 0; index < names.length; index++) {
    const name = names[index]
    if (name !== undefined) writeField(into, at + (offsets.get(name) ?? 0), name, family, values[index] ?? 0)
  }
}

function writeValue(into: DataView, at: number, index: number, action: number): void {
  into.setUint32(at, index, true)
  into.setUint32(at + 4, action, true)
}

/** As the record holds it: in the machine's byte order, which is little-endian wherever this runs. */
function writeField(key: DataView, offset: number, field: FieldName, family: Family, value: Point): void {
  const bits = fieldOf(field).bits(family)
  if (bits <= 8) key.setUint8(offset, Number(value))
  else if (bits <= 16) key.setUint16(offset, Number(value), true)
  else if (bits <= 32) key.setUint32(offset, Number(value), true)
  else if (bits <= 64) key.setBigUint64(offset, BigInt(value), true)
  else {
    key.setBigUint64(offset, BigInt(value) >> 64n, true)
    key.setBigUint64(offset + 8, BigInt.asUintN(64, BigInt(value)), true)
  }
}
