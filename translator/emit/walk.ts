// Walks trees in a map (tree/map.ts draws them). The words that boxes are compared in are put into the record; a function walks one tree, and is
// verified once, however many trees there are:
//
//     u64 walk(words, root, best)
//
// Registers there: r1 words, r2 reference, later the number of a list entry, r3 best answer, r4 iterations left, r5 into the map,
// r9 position of the best answer; r0, r6, r7 and r8 are scratch.

import type { Family } from 'iptables-parser'
import {
  add,
  addImmediate,
  andImmediate,
  andImmediate32,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  mulImmediate,
  or,
  rshImmediate,
  rshImmediate32,
  sub,
  subImmediate,
} from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import { callFunction, exit, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMapValue, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 } from '../asm/register.ts'
import type { Block, SeparatedBlock } from '../chain.ts'
import { fieldOf } from '../field.ts'
import type { Plan } from '../plan.ts'
import { LAST, LIST_SIZE, NODE_SIZE, type TreeMap, WORD_MASK, writeTrees } from '../tree/map.ts'
import { wordsOf } from '../tree/word-box.ts'
import { answersOf, emitAnswer } from './answer.ts'
import type { Frame } from './frame.ts'
import { sizeOf } from './record.ts'
import { emitVisits } from './separated.ts'

export function emitMapped(frame: Frame, { space, trees }: SeparatedBlock, next: Label): void {
  const answers = answersOf(frame, space.items)
  const written = writeTrees(space, trees, frame.family, item => answers.of(item))
  const map = frame.data(written.bytes)
  const walk = walkFunction(frame, written, map)
  emitWords(frame, written)
  emitVisits(
    frame,
    written.roots.map(({ reference, first }) => ({
      first,
      call: [
        mov(r3, r2),
        mov(r1, r6),
        addImmediate(r1, frame.record.words),
        // as a signed number of 32 bits; what reads it looks at the low half
        movImmediate(r2, reference | 0),
        callFunction(walk),
      ],
    })),
  )
  emitAnswer(frame, answers, next)
}

/** Bytes that the words of any block of a plan take. */
export function wordsSizeOf({ chains }: Plan, family: Family): number {
  const sizes = [...chains.values()].flatMap(({ blocks }) =>
    blocks.flatMap(block => wordsSizes(block, family)),
  )
  return Math.max(0, ...sizes)
}

function wordsSizes(block: Block, family: Family): number[] {
  if (block.kind === 'split') return [...block.whole, ...block.odd].flatMap(one => wordsSizes(one, family))
  if (block.kind !== 'mapped') return []
  const names = block.space.axes.map(({ field }) => field)
  return [8 * wordsOf(names, family).length]
}

/** Puts the words into the record. */
function emitWords({ assembler, family, record }: Frame, { words }: TreeMap): void {
  for (const [index, { field, half }] of words.entries())
    assembler.emit(
      load(sizeOf(fieldOf(field).bits(family)), r1, r6, record.offset(field) + 8 * half),
      store('u64', r6, record.words + 8 * index, r1),
    )
}

function walkFunction(frame: Frame, trees: TreeMap, map: string): string {
  const assembler = createAssembler()
  const out = assembler.label('out')
  const leaf = assembler.label('leaf')
  assembler.emit(mov(r9, r3), rshImmediate(r9, 32), jumpIf('==', r1, immediate(0), out))
  descend(assembler, trees, map, leaf, out)
  assembler.place(leaf)
  goThroughList(assembler, trees, map, out)
  assembler.place(out)
  assembler.emit(mov(r0, r3), exit())
  return frame.subprogram(
    'walk',
    [
      { name: 'words', type: { kind: 'memory', size: 8 * trees.words.length } },
      { name: 'root', type: { kind: 'scalar' } },
      { name: 'best', type: { kind: 'scalar' } },
    ],
    assembler,
  )
}

/** From the reference of a node to that of a leaf. */
function descend(assembler: Assembler, trees: TreeMap, map: string, leaf: Label, out: Label): void {
  const node = assembler.label('node')
  const below = assembler.label('below')
  const step = assembler.label('step')
  assembler.emit(movImmediate(r4, trees.depth + 1))
  assembler.place(node)
  assembler.emit(
    mov32(r0, r2),
    andImmediate32(r0, WORD_MASK),
    jumpIf('>', r0, immediate(8 * (trees.words.length - 1)), leaf),
    rshImmediate32(r2, 8),
    jumpIf('>=', r2, immediate(trees.nodes), out),
    mulImmediate(r2, NODE_SIZE),
    loadMapValue(r5, map),
    add(r5, r2),
    mov(r7, r1),
    add(r7, r0),
    load('u64', r7, r7, 0),
    load('u64', r6, r5, 0),
    jumpIf('<', r7, register(r6), below),
    load('u32', r2, r5, 12),
    jump(step),
  )
  assembler.place(below)
  assembler.emit(load('u32', r2, r5, 8))
  assembler.place(step)
  assembler.emit(subImmediate(r4, 1), jumpIf('!=', r4, immediate(0), node), jump(out))
}

/** From the reference of a leaf to an answer, if one of its boxes has a better one. */
function goThroughList(assembler: Assembler, trees: TreeMap, map: string, out: Label): void {
  const entry = assembler.label('entry')
  const miss = assembler.label('miss')
  const { lists, boxes } = trees
  assembler.emit(rshImmediate32(r2, 8), movImmediate(r4, trees.fullest))
  assembler.place(entry)
  assembler.emit(
    jumpIf('>=', r2, immediate(lists.length), out),
    mov(r0, r2),
    mulImmediate(r0, LIST_SIZE),
    loadMapValue(r5, map, lists.at),
    add(r5, r0),
    load('u32', r7, r5, 0),
    mov(r8, r7),
    andImmediate(r8, LAST - 1),
    jumpIf('>', r8, register(r9), out),
    jumpIf('>=', r8, immediate(boxes.length), out),
    mov(r0, r8),
    mulImmediate(r0, boxes.size),
    loadMapValue(r5, map, boxes.at),
    add(r5, r0),
  )
  compareBox(assembler, trees, miss)
  assembler.emit(load('u32', r0, r5, boxes.answer), lshImmediate(r8, 32), or(r0, r8), exit())
  assembler.place(miss)
  assembler.emit(
    // LAST is the sign
    jumpIf('s<', r7, immediate(0), out, 32),
    addImmediate(r2, 1),
    subImmediate(r4, 1),
    jumpIf('!=', r4, immediate(0), entry),
  )
}

/** Goes to `miss` where a word is outside of the box at r5. */
function compareBox(assembler: Assembler, { words }: TreeMap, miss: Label): void {
  let at = 0
  for (const [index, { bits }] of words.entries()) {
    const size = bits === 64 ? 'u64' : 'u32'
    assembler.emit(
      load('u64', r0, r1, 8 * index),
      load(size, r6, r5, at),
      sub(r0, r6),
      load(size, r6, r5, at + bits / 8),
      jumpIf('>', r0, register(r6), miss),
    )
    at += bits / 4
  }
}
