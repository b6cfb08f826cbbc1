// A look-up of exact values. The key is made on the stack from the record; the value says what the rule does and where it counts:
//
//     byte 0          4
//          counter    action = the selector of a chain, where one is called << 10 | number of what is done
//          index, and of what drops malformed packets the slot of its rule
//
// Numbers of verdicts are 4 * (number of the counter array) + code; calls of chains have those that are left.

import type { Family } from 'iptables-parser'
import { andImmediate32, mov32, rshImmediate32 } from '../asm/alu.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r2, r7 } from '../asm/register.ts'
import { blocksIn } from '../chain.ts'
import { type FieldName, fieldOf } from '../field.ts'
import type { Item, Outcome } from '../item.ts'
import type { Plan } from '../plan.ts'
import type { Dispatch } from '../tree/dispatch.ts'
import { buildHashTable, type Entries, VALUE_SIZE } from '../tree/hash-table.ts'
import type { Point } from '../tree/interval.ts'
import type { Frame } from './frame.ts'
import { emitKey, emitLookUp, INDEX_SIZE, type KeyPart, type LookUpMaps, tableMaps } from './look-up.ts'
import { type Called, emitSelected } from './outcome.ts'
import { emitProbe } from './parted.ts'
import { emitTest } from './test.ts'

const codes = { accept: 0, drop: 1, return: 2, continue: 3 } as const
const verdicts = Object.keys(codes) as (keyof typeof codes)[]
/** Dropped without being counted. */
export const HOTDROP = 0xffff_ffff
const NUMBER_BITS = 10
const NUMBER_MASK = 2 ** NUMBER_BITS - 1

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

/** Bytes of the stack that look-ups of a plan's chains take at most. */
export const largestKey = ({ chains }: Plan, family: Family): number =>
  [...chains.values()]
    .flatMap(({ blocks }) => blocks.flatMap(blocksIn))
    .reduce((most, block) => (block.kind === 'dispatch' ? Math.max(most, keySize(block, family)) : most), 0)

const keySize = ({ fields }: Dispatch, family: Family): number => keyLayout(fields, family).size + INDEX_SIZE

export function emitDispatch(frame: Frame, dispatch: Dispatch, next: Label): void {
  const { assembler, family } = frame
  const layout = keyLayout(dispatch.fields, family)
  for (const test of dispatch.common) emitTest(frame, test, next)
  const parts = keyParts(frame, layout)
  emitKey(frame, parts, layout.size)
  const actions = actionsOf(frame, dispatch)
  const map = frame.table({ dispatch, actions }, hasRoom => mapsOf(dispatch, frame, actions, hasRoom))
  const used = new Set(parts.flatMap(({ to, bits }) => (bits > 32 ? [to >> 2, (to >> 2) + 1] : [to >> 2])))
  emitLookUp(
    frame,
    map,
    layout.size,
    [...used].sort((x, y) => x - y),
    next,
  )
  if (frame.probe) return emitProbe(frame, frame.probe, [...actions], next)
  emitActions(frame, actions, next)
  // no other value is in the map
  assembler.emit(jump(frame.ending({ kind: 'drop' })))
}

/** Of fields of 128 bits each half is a part. */
const keyParts = ({ family, record }: Frame, { offsets }: KeyLayout): KeyPart[] =>
  [...offsets].flatMap(([field, to]) => {
    const bits = fieldOf(field).bits(family)
    const halves = bits > 64 ? [0, 8] : [0]
    return halves.map(half => ({
      from: record.offset(field) + half,
      to: to + half,
      bits: Math.min(bits, 64),
    }))
  })

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
  let last: { readonly array: string; readonly outcome: Outcome } | undefined
  for (const { rule, outcome } of cases) {
    const { kind } = outcome
    if (kind === 'hotdrop') actions.set(HOTDROP, { array: '', kind })
    else {
      const { array } = frame.place(rule)
      // most do the same as the one before, and count in the same array
      if (last?.outcome === outcome && last.array === array.name) continue
      last = { array: array.name, outcome }
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

/** A table where there is room for one. */
function mapsOf(dispatch: Dispatch, frame: Frame, actions: Actions, hasRoom: boolean): LookUpMaps {
  const layout = keyLayout(dispatch.fields, frame.family)
  const entries = entriesOf(dispatch, frame, actions, layout)
  const { count, keys, values } = entries
  const table = hasRoom ? buildHashTable(entries) : undefined
  const hash = { type: 'HASH', keySize: layout.size, valueSize: VALUE_SIZE, flags: 0, shared: false } as const
  return table
    ? { hash: { ...hash, maxEntries: roomFor(count) }, table: tableMaps(table, layout.size) }
    : { hash: { ...hash, maxEntries: count + roomFor(count), contents: { count, keys, values } } }
}

function entriesOf(dispatch: Dispatch, frame: Frame, actions: Actions, layout: KeyLayout): Entries {
  const numbers = new Map([...actions].map(([number, action]) => [keyOf(action), number]))
  const count = dispatch.cases.length
  const keys = new DataView(new ArrayBuffer(count * layout.size))
  const values = new DataView(new ArrayBuffer(count * VALUE_SIZE))
  const numberFor = (array: string, outcome: Outcome): number =>
    withSelector(frame, numbers.get(keyOf(actionOf(frame, array, outcome))) ?? HOTDROP, outcome)
  const parts = fieldParts(dispatch.fields, layout, frame.family)
  let last: { readonly array: string; readonly outcome: Outcome; readonly number: number } | undefined
  for (let at = 0; at < count; at++) {
    const { rule, outcome, sets } = dispatch.cases[at] as Item
    const counted = outcome.kind === 'hotdrop' ? undefined : frame.place(rule)
    const array = counted?.array.name ?? ''
    if (last?.outcome !== outcome || last.array !== array)
      last = { array, outcome, number: numberFor(array, outcome) }
    for (let index = 0; index < parts.length; index++) {
      const { field, to, bits } = parts[index] as FieldPart
      writeField(keys, at * layout.size + to, bits, sets.get(field)?.[0]?.low ?? 0)
    }
    writeValue(values, at * VALUE_SIZE, counted?.index ?? frame.slotOf(rule), last.number)
  }
  return {
    count,
    keySize: layout.size,
    keys: new Uint8Array(keys.buffer),
    values: new Uint8Array(values.buffer),
  }
}

function withSelector(frame: Frame, action: number, outcome: Outcome): number {
  const { selector = 0 } = ('chain' in outcome && frame.entryOf(outcome.chain)) || {}
  return selector === 0 ? action : action + selector * 2 ** NUMBER_BITS
}

/** Room for edits while the program runs. */
const roomFor = (cases: number): number => Math.max(64, Math.min(cases >> 2, 1 << 14))

/** The key for a value of each field. */
export function dispatchKey(
  names: readonly FieldName[],
  layout: KeyLayout,
  family: Family,
  values: readonly Point[],
): Uint8Array {
  const key = new DataView(new ArrayBuffer(layout.size))
  for (const [index, { to, bits }] of fieldParts(names, layout, family).entries())
    writeField(key, to, bits, values[index] ?? 0)
  return new Uint8Array(key.buffer)
}

/** What the map holds for a rule that counts at an index of the array its action names. */
export function dispatchValue(index: number, action: number): Uint8Array {
  const value = new DataView(new ArrayBuffer(VALUE_SIZE))
  writeValue(value, 0, index, action)
  return new Uint8Array(value.buffer)
}

/** A field of a key: where it stands, and its size. */
interface FieldPart {
  readonly field: FieldName
  readonly to: number
  readonly bits: number
}

const fieldParts = (
  names: readonly FieldName[],
  { offsets }: KeyLayout,
  family: Family,
): readonly FieldPart[] =>
  names.map(field => ({ field, to: offsets.get(field) ?? 0, bits: fieldOf(field).bits(family) }))

function writeValue(into: DataView, at: number, index: number, action: number): void {
  into.setUint32(at, index, true)
  into.setUint32(at + 4, action, true)
}

/** As the record holds it: in the machine's byte order, which is little-endian wherever this runs. */
function writeField(key: DataView, offset: number, bits: number, value: Point): void {
  if (bits <= 8) key.setUint8(offset, Number(value))
  else if (bits <= 16) key.setUint16(offset, Number(value), true)
  else if (bits <= 32) key.setUint32(offset, Number(value), true)
  else if (bits <= 64) key.setBigUint64(offset, BigInt(value), true)
  else {
    key.setBigUint64(offset, BigInt(value) >> 64n, true)
    key.setBigUint64(offset + 8, BigInt.asUintN(64, BigInt(value)), true)
  }
}
