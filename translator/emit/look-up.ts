// Code that looks a key up: in a table of our own (tree/hash-table.ts), which takes no call, or where there is none in the kernel's hash map.
//
// What a table holds never changes. Edits go into a hash map beside it, which says more than the table does: a value, or that the key is not
// there. For most packets that map need not be asked: where a key was edited, a byte that its hash names is not 0. All three are maps, and an edit is first in the hash
// map and then in its byte, so a packet meets the rules as they were or as they are.
//
//   editedN    buckets of the table, u32 | 4 bytes free | 4096 bytes        the one value of an array map
//   bucketsN   its buckets                                                  an array map
//   dispatchN  edits                                                        a hash map
//
// On the stack, from the frame pointer down: the key, then the index of a bucket.
//
// A program may have no more than 64 maps. Where it has more than a few look-ups, those with the fewest rules share three maps between all whose keys have one size, with
// the number of the look-up in the key (key.ts). What they share is code too: a function of some hundred instructions, so that each of thousands takes thirty.

import {
  add,
  addImmediate,
  andImmediate,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  mul,
  mulImmediate32,
  or,
  rshImmediate,
  rshImmediate32,
  xor32,
} from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import { call, callFunction, exit, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadImmediate64, loadMap, loadMapValue, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r7, r8, r10 } from '../asm/register.ts'
import type { JumpOptions } from '../asm/relax.ts'
import type { FieldName } from '../field.ts'
import type { FunctionSpec, MapSpec } from '../program.ts'
import {
  bucketSize,
  entryOffsets,
  type HashTable,
  mixing,
  multiplierOf,
  SECOND,
  VALUE_SIZE,
} from '../tree/hash-table.ts'
import { oneValue } from './data.ts'
import type { Frame } from './frame.ts'
import { emitKeyWord, type KeyLayout, keyLayout, type SharedPlace, wordsUsed } from './key.ts'

/** The action of an edit that took a key away. */
export const ABSENT = 0xffff_fffe

const MARKS = 4096
const MARKS_OFFSET = 8
/** Bytes of the value of `editedN`. */
export const MARKS_SIZE = MARKS_OFFSET + MARKS

/** Bytes of stack that a look-up takes below its key. */
export const INDEX_SIZE = 8

/** The names of the maps that stand beside the hash map of a look-up where it has a table. */
export const besideOf = (name: string): { readonly buckets: string; readonly edited: string } => ({
  buckets: name.replace('dispatch', 'buckets'),
  edited: name.replace('dispatch', 'edited'),
})

/** How a look-up is found: its hash map, and whether that stands beside a table. */
export interface LookUpName {
  readonly name: string
  readonly table: boolean
  /** Where other look-ups have the same maps. */
  readonly shared?: SharedPlace
}

/** One for each look-up of a program. */
export const lookUpId = ({ name, shared }: LookUpName): string => (shared ? `${name} ${shared.number}` : name)

/** The names of all maps of a look-up. */
export const mapNames = ({ name, table }: LookUpName): readonly string[] =>
  table ? [name, ...Object.values(besideOf(name))] : [name]

/** Where in the value of `editedN` the byte for keys of a hash is. */
export const markOffset = (hash: number): number => MARKS_OFFSET + (hash & (MARKS - 1))

/** Of how many buckets a value of `editedN` says that the table has. */
export const bucketCount = (edited: Uint8Array): number =>
  new DataView(edited.buffer, edited.byteOffset).getUint32(0, true)

/** What stands beside a hash map, but for names. */
export interface TableMaps {
  readonly buckets: Omit<MapSpec, 'name'>
  readonly edited: Omit<MapSpec, 'name'>
}

export function tableMaps({ buckets, bytes }: HashTable, keySize: number): TableMaps {
  const edited = new Uint8Array(MARKS_SIZE)
  new DataView(edited.buffer).setUint32(0, buckets, true)
  const numbers = Uint32Array.from({ length: buckets }, (_, bucket) => bucket)
  return {
    buckets: {
      type: 'ARRAY',
      keySize: 4,
      flags: 0,
      shared: false,
      valueSize: bucketSize(keySize),
      maxEntries: buckets,
      contents: { count: buckets, keys: new Uint8Array(numbers.buffer), values: bytes },
    },
    edited: oneValue({ size: edited.length, bytes: edited }),
  }
}

/** The two halves of the value for what the record has of the fields into r1 and r2, or to `next` where there is none. */
export function emitLookUp(frame: Frame, found: LookUpName, fields: readonly FieldName[], next: Label): void {
  const layout = keyLayout(fields, frame.family, found.shared)
  if (found.shared) return emitShared(frame, found, layout, next)
  // 8 bytes at a time: what was written in parts can be read as a whole only later
  for (let word = 0; word < layout.size; word += 8) {
    emitKeyWord(frame, layout, word, [r2, r1])
    frame.assembler.emit(store('u64', r10, word - layout.size, r2))
  }
  emitFind(frame, found, layout.size, wordsUsed(frame, layout), next)
}

/** The same for the key that is on the stack; `used` are the words of 32 bits that can be other than 0. */
function emitFind(
  { assembler }: Pick<Frame, 'assembler'>,
  { name, table }: LookUpName,
  size: number,
  used: readonly number[],
  next: Label,
): void {
  if (table) emitTable(assembler, name, size, used, next)
  else emitHash(assembler, name, size, next)
}

const keyRegisters = [r1, r2, r3, r4, r5] as const

/** The key is given to a function, so it takes no stack here; and only 8 bytes of it are made at a time. */
function emitShared(frame: Frame, found: LookUpName, layout: KeyLayout, next: Label): void {
  for (let word = 0; word < layout.size; word += 8)
    emitKeyWord(frame, layout, word, [keyRegisters[word / 8] ?? r1, r0])
  frame.assembler.emit(
    callFunction(frame.lookUpFunction(found)),
    mov32(r1, r0),
    mov(r2, r0),
    rshImmediate(r2, 32),
    jumpIf('==', r2, immediate(ABSENT), next, 32),
  )
}

/**
 * The function that look-ups which share maps have: given a key, 8 bytes in each number, it yields the halves of the value in one, and of keys that are not there
 * one of which the upper half is ABSENT.
 */
export function lookUpFunction(
  found: Pick<LookUpName, 'name' | 'table'>,
  keySize: number,
  jumps: JumpOptions,
): Omit<FunctionSpec, 'name'> {
  const assembler = createAssembler()
  const none = assembler.label('none')
  const words = keyRegisters.slice(0, keySize / 8)
  assembler.emit(...words.map((register, at) => store('u64', r10, 8 * at - keySize, register)))
  const used = Array.from({ length: keySize / 4 }, (_, word) => word)
  emitFind({ assembler }, found, keySize, used, none)
  assembler.emit(mov(r0, r2), lshImmediate(r0, 32), or(r0, r1), exit())
  assembler.place(none)
  assembler.emit(loadImmediate64(r0, BigInt(ABSENT) << 32n), exit())
  return {
    parameters: words.map((_, at) => ({ name: `word${at}`, type: { kind: 'scalar' } })),
    instructions: assembler.assemble(jumps),
  }
}

function emitHash(assembler: Assembler, map: string, size: number, next: Label): void {
  assembler.emit(
    loadMap(r1, map),
    mov(r2, r10),
    addImmediate(r2, -size),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), next),
    load('u32', r1, r0, 0),
    load('u32', r2, r0, 4),
  )
}

/** r7 is the hash, r8 the value of `editedN`. */
function emitTable(
  assembler: Assembler,
  map: string,
  size: number,
  used: readonly number[],
  next: Label,
): void {
  const { buckets, edited } = besideOf(map)
  const [asIs, found] = [assembler.label('not_edited'), assembler.label('found')]
  emitHashOf(assembler, size, used)
  assembler.emit(
    loadMapValue(r8, edited),
    mov(r1, r7),
    andImmediate(r1, MARKS - 1),
    add(r1, r8),
    load('u8', r1, r1, MARKS_OFFSET),
    jumpIf('==', r1, immediate(0), asIs),
  )
  emitHash(assembler, map, size, asIs)
  assembler.emit(jumpIf('==', r2, immediate(ABSENT), next, 32), jump(found))
  assembler.place(asIs)
  emitBucket(assembler, buckets, size, found, next)
  assembler.emit(mulImmediate32(r7, SECOND))
  emitBucket(assembler, buckets, size, found, next)
  assembler.emit(jump(next))
  assembler.place(found)
}

/** The hash of the key into r7; `used` are the words of 32 bits that can be other than 0. */
function emitHashOf(assembler: Assembler, size: number, used: readonly number[]): void {
  assembler.emit(movImmediate(r7, 0))
  for (const word of used) {
    const [low, high] = multiplierOf(word)
    assembler.emit(
      load('u32', r1, r10, 4 * word - size),
      loadImmediate64(r2, (BigInt(high) << 32n) | BigInt(low)),
      mul(r1, r2),
      add(r7, r1),
    )
  }
  assembler.emit(
    rshImmediate(r7, 32),
    ...addShifted(mixing.before),
    mulImmediate32(r7, mixing.factor),
    ...addShifted(mixing.behind),
  )
}

const addShifted = (bits: number) => [mov32(r1, r7), rshImmediate32(r1, bits), xor32(r7, r1)]

/** Goes to `found` where the bucket that the number in r7 names holds the key. Keeps r7 and r8. */
function emitBucket(assembler: Assembler, buckets: string, size: number, found: Label, next: Label): void {
  assembler.emit(
    load('u32', r1, r8, 0),
    mov32(r2, r7),
    mul(r1, r2),
    rshImmediate(r1, 32),
    store('u32', r10, -size - INDEX_SIZE, r1),
    loadMap(r1, buckets),
    mov(r2, r10),
    addImmediate(r2, -size - INDEX_SIZE),
    call('bpf_map_lookup_elem'),
    // there is such a bucket
    jumpIf('==', r0, immediate(0), next),
  )
  for (const entry of entryOffsets(size)) {
    const other = assembler.label('other')
    for (let at = 0; at < size; at += 8)
      assembler.emit(
        load('u64', r1, r0, entry + at),
        load('u64', r3, r10, at - size),
        jumpIf('!=', r1, register(r3), other),
      )
    const value = entry + size
    assembler.emit(load('u32', r1, r0, value), load('u32', r2, r0, value + VALUE_SIZE / 2), jump(found))
    assembler.place(other)
  }
}
