// Walks trees in a map (tree/map.ts draws them). The words that boxes are compared in are put into the record; then one tree after the other is
// asked for a better answer than there is.
//
// Registers: r1 scratch, r2 reference, r3 best answer, r4 iterations left, r5 into the map, r6 record, r7 scratch, r8 offset of the next root,
// r9 position of the best answer; r0 is scratch.

import type { Family } from 'iptables-parser'
import {
  add,
  addImmediate,
  andImmediate32,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  movImmediate32,
  or,
  rshImmediate,
  sub,
  subImmediate,
} from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callFunction, exit, immediate, jump, jumpIf, openLoop, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMapValue, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { blocksIn, type KeptTrees, type KeptWalk, type PlainBlock, type SeparatedBlock } from '../chain.ts'
import { fieldOf } from '../field.ts'
import { forget, forgetInLoop } from '../hook/forget.ts'
import type { Plan } from '../plan.ts'
import { isGoingOn } from '../shared-trees.ts'
import { BRANCHES, knotLayout } from '../tree/knot.ts'
import { BEHIND_ALL, OFFSET_MASK, ROOT_SIZE, type TreeLayout, writeTrees } from '../tree/map.ts'
import { LAST, wordsOf, wordsOfFields } from '../tree/word-box.ts'
import { goingOnFrom, numberIn } from './alike.ts'
import { answersOf, emitAnswer, NO_ANSWER } from './answer.ts'
import type { Value } from './data.ts'
import type { Frame, TreesUse } from './frame.ts'
import { LENGTH_OFFSET, sizeOf, wordsRoom } from './record.ts'
import type { SharedWalk } from './shared-walk.ts'

export function emitMapped(frame: Frame, block: SeparatedBlock, next: Label): void {
  const { space, trees } = block
  if (frame.sharedWalk?.takes(block)) return emitShared(frame, frame.sharedWalk, block, next)
  const answers = answersOf(frame, space.items)
  if (isGoingOn(block)) throw new RangeError('a walk that is not shared cannot go on from a rule')
  const write = () => writeTrees(space, trees, frame.family, answers.said)
  const written = frame.treesOf(block, write)
  emitTrees(frame, written, { block, layout: written, actions: answers.actions }, next)
}

/** Walks trees that share a map. */
function emitShared(frame: Frame, walk: SharedWalk, block: SeparatedBlock, next: Label): void {
  const { row } = frame
  const answers = answersOf(frame, block.space.items, true)
  const shared = {
    walk: walk.name,
    trees: block.trees.length,
    goingOn: row?.goingOn.get(block) ?? goingOnFrom(block),
    actions: answers.actions,
    root: numberIn(r2, row, row?.trees.get(block), walk.place(block, answers)),
  }
  emitWalks(frame, shared, next)
}

/** Walks trees that share a map in the program that this one goes on with. */
export const emitWalked = (frame: Frame, block: KeptWalk, next: Label): void =>
  emitWalks(frame, { ...block, root: [movImmediate(r2, block.root)] }, next)

/**
 * From a rule that packets go on from, they come to the first behind it: r7 is the least position that is asked for, and r9 counts for the verifier
 * how often there can be one more. `root` puts where the roots are into r2.
 */
function emitWalks(
  frame: Frame,
  {
    walk,
    trees,
    goingOn,
    actions,
    root,
  }: Omit<KeptWalk, 'kind' | 'root'> & { readonly root: readonly Instruction[] },
  next: Label,
): void {
  const { assembler } = frame
  const emitCalls = (...least: Instruction[]): void => {
    for (let tree = 0; tree < trees; tree++) {
      if (tree > 0) assembler.emit(store('u64', r10, BEST, r0))
      assembler.emit(...least, ...root)
      if (tree > 0) assembler.emit(addImmediate(r2, tree * ROOT_SIZE))
      assembler.emit(mov(r1, r6), callFunction(walk))
      if (tree > 0) emitBetter(assembler)
    }
  }
  if (goingOn === 0) {
    emitCalls(movImmediate(r3, 0))
    return emitAnswer(frame, actions, next)
  }
  const again = assembler.label('again')
  assembler.emit(movImmediate(r7, 0), movImmediate(r9, goingOn + 2))
  assembler.place(again)
  assembler.emit(subImmediate(r9, 1), jumpIf('==', r9, immediate(0), next))
  emitCalls(mov(r3, r7))
  assembler.emit(mov(r7, r0), rshImmediate(r7, 32), addImmediate(r7, 1))
  emitAnswer(frame, actions, next, again)
}

/** On the stack, the best answer of the trees before. */
const BEST = -16

/** The answers of trees are compared as they are (answer.ts). */
function emitBetter(assembler: Assembler): void {
  const better = assembler.label('better')
  assembler.emit(load('u64', r1, r10, BEST), jumpIf('<', r0, register(r1), better), mov(r0, r1))
  assembler.place(better)
}

/** Walks trees that are in a map already, or were read from one and amended. */
export function emitKept(frame: Frame, block: KeptTrees, next: Label): void {
  const { layout, actions, bytes } = block
  emitTrees(frame, { size: layout.size, ...(bytes && { bytes }) }, { block, layout, actions }, next)
}

function emitTrees(frame: Frame, data: Value, use: TreesUse, next: Label): void {
  const { assembler, record } = frame
  const { layout, actions } = use
  const map = frame.data(data, use)
  const labels = labelsOf(assembler)
  emitWords(frame, layout)
  emitWalk(assembler, layout, map, labels)
  emitAnswer(frame, actions, next)
  descend(assembler, layout, map, labels, record.words)
  compareBoxes(assembler, layout, map, labels, record.words)
}

const labelsOf = (assembler: Assembler): Labels => ({
  knot: assembler.label('knot'),
  leaf: assembler.label('leaf'),
  box: assembler.label('box'),
  asked: assembler.label('asked'),
})

/**
 * The walk of one of the trees that share a map with others (shared-walk.ts), from the root at the offset in r8 on; what it finds is in r0 at its end. It is the first answer
 * whose position is not less than r3. To walk several the verifier would go through the rest of the code for each number of trees that may be left.
 */
export function emitSharedSteps(frame: WalkFrame, layout: TreeLayout, map: string): void {
  const { assembler, record } = frame
  const labels = labelsOf(assembler)
  emitWords(frame, layout)
  emitSharedWalk(assembler, layout, map, labels)
  assembler.emit(exit())
  descend(assembler, layout, map, labels, record.words)
  compareBoxes(assembler, layout, map, labels, record.words, LEAST)
}

/** What of a frame a walk needs. */
type WalkFrame = Pick<Frame, 'assembler' | 'family' | 'record'>

/** The most words that a block of a plan compares. */
export const wordsOfPlan = ({ mixed, shared }: Pick<Plan, 'mixed' | 'shared'>, family: Family): number =>
  mixed
    .flatMap(({ blocks }) => blocks.flatMap(blocksIn))
    .reduce(
      (most, block) => Math.max(most, wordCount(block, family)),
      wordsOfFields(shared.fields, family).length,
    )

function wordCount(block: PlainBlock, family: Family): number {
  if (block.kind === 'kept') return block.layout.words.length
  return block.kind === 'mapped' ? wordsOf(block.space, family).length : 0
}

/** Puts the words into the record. */
function emitWords({ assembler, family, record }: WalkFrame, { words }: TreeLayout): void {
  for (const [index, { field, half }] of words.entries())
    assembler.emit(
      load(sizeOf(fieldOf(field).bits(family)), r1, r6, record.offset(field) + 8 * half),
      store('u64', r6, record.words + 8 * index, r1),
    )
}

interface Labels {
  /** r2 is the reference of a knot, and r4 says how many more there can be on the way. */
  readonly knot: Label
  /** r2 is the reference of a leaf. */
  readonly leaf: Label
  /** r2 is the offset of one of its boxes, and r4 says how many there can be from there on. */
  readonly box: Label
  /** A tree has been asked. */
  readonly asked: Label
}

/** The verifier is through with so many one by one as soon, and packets are spared the two nanoseconds that an open loop takes. */
const FEW_TREES = 2

/**
 * From no answer to the best one, in r0. Here stands the way past trees that are empty leaves, and knots and boxes stand elsewhere: the verifier goes on where no jump is taken
 * before it looks at the rest, and in code that it is still in the middle of, it seldom keeps states to compare others with (is_state_visited in kernel/bpf/verifier.c). So
 * it is through with the knots and boxes of one tree before it sees those of another.
 */
function emitWalk(assembler: Assembler, trees: TreeLayout, map: string, labels: Labels): void {
  // here the next tree is asked, if there can be a better answer
  const [tree, out] = [assembler.label('tree'), assembler.label('out')]
  assembler.emit(
    movImmediate(r3, NO_ANSWER),
    // or the verifier would go through all once more, without an answer: both halves of one are any number
    load('u32', r2, r6, LENGTH_OFFSET),
    mov(r1, r2),
    lshImmediate(r1, 32),
    or(r1, r2),
    ...forget(r3, r1),
    mov(r9, r3),
    rshImmediate(r9, 32),
    movImmediate(r8, 0),
  )
  const isBehind = jumpIf('>', r8, immediate(ROOT_SIZE * (trees.trees - 1)), out)
  const isOpen = trees.trees > FEW_TREES
  if (isOpen) assembler.emit(...forgetInLoop(r8, r2, r1))
  assembler.place(tree)
  if (isOpen) assembler.emit(openLoop(isBehind))
  assembler.emit(isBehind, loadMapValue(r5, map), add(r5, r8))
  emitRoot(assembler, trees, labels, out)
  assembler.emit(jump(tree))
  assembler.place(out)
  assembler.emit(mov(r0, r3))
}

/** Goes into the tree whose root is at r5, or on behind where it is an empty leaf, or to `out` where no tree from there on can have a better answer. */
function emitRoot(assembler: Assembler, trees: TreeLayout, labels: Labels, out: Label): void {
  assembler.emit(
    load('u32', r7, r5, 0),
    jumpIf('>', r7, register(r9), out),
    load('u32', r2, r5, 4),
    addImmediate(r8, ROOT_SIZE),
    movImmediate(r4, Math.max(1, trees.depth)),
    jumpIf('s>=', r2, immediate(0), labels.knot, 32),
  )
  assembler.place(labels.leaf)
  assembler.emit(
    movImmediate(r4, trees.fullest),
    andImmediate32(r2, OFFSET_MASK),
    jumpIf('<=', r2, immediate(trees.lastBox), labels.box),
  )
  assembler.place(labels.asked)
}

/** On the stack of a walk that is shared: the least position that is asked for. */
const LEAST = -8

/** The same of the one tree whose root is at the offset in r8, whatever that is. */
function emitSharedWalk(assembler: Assembler, trees: TreeLayout, map: string, labels: Labels): void {
  const out = assembler.label('out')
  assembler.emit(
    store('u64', r10, LEAST, r3),
    movImmediate(r3, NO_ANSWER),
    load('u32', r2, r6, LENGTH_OFFSET),
    ...forget(r3, r2),
    movImmediate32(r9, BEHIND_ALL - 1),
    ...forget(r9, r2),
    andImmediate32(r8, OFFSET_MASK),
    jumpIf('>', r8, immediate(trees.size - ROOT_SIZE), out),
    loadMapValue(r5, map),
    add(r5, r8),
  )
  emitRoot(assembler, trees, labels, out)
  assembler.place(out)
  assembler.emit(mov(r0, r3))
}

/** From the reference of a knot to that of a leaf. */
function descend(
  assembler: Assembler,
  trees: TreeLayout,
  map: string,
  { knot, leaf, asked }: Labels,
  words: number,
): void {
  const [deeper, step] = [assembler.label('deeper'), assembler.label('step')]
  assembler.place(deeper)
  assembler.emit(subImmediate(r4, 1), jumpIf('==', r4, immediate(0), asked))
  assembler.place(knot)
  assembler.emit(
    andImmediate32(r2, OFFSET_MASK),
    jumpIf('>', r2, immediate(trees.lastKnot), asked),
    loadMapValue(r5, map),
    add(r5, r2),
  )
  emitBranch(assembler, trees, 1, step, words)
  assembler.place(step)
  assembler.emit(jumpIf('s>=', r2, immediate(0), deeper, 32), jump(leaf))
}

/** Compares a branch of the knot at r5 and those below it; the reference that they lead to is in r2 at `step`. */
function emitBranch(assembler: Assembler, trees: TreeLayout, branch: number, step: Label, at: number): void {
  const { words } = trees
  const knot = knotLayout(words)
  if (branch > BRANCHES) {
    assembler.emit(load('u32', r2, r5, knot.reference(branch)))
    return branch === 2 * BRANCHES + 1 ? undefined : assembler.emit(jump(step))
  }
  const above = assembler.label('above')
  assembler.emit(
    load('u8', r7, r5, knot.word(branch)),
    andImmediate32(r7, wordsRoom(words.length) - 8),
    add(r7, r6),
    load('u64', r7, r7, at),
    load(knot.cutBits === 64 ? 'u64' : 'u32', r1, r5, knot.cut(branch)),
    jumpIf('>=', r7, register(r1), above),
  )
  emitBranch(assembler, trees, 2 * branch, step, at)
  assembler.place(above)
  emitBranch(assembler, trees, 2 * branch + 1, step, at)
}

/**
 * From the first box of a leaf to an answer, if one of them has a better one. Two boxes stand one behind the other, of which every other is compared with the second: at each
 * instruction the verifier keeps a state of one turn of a loop that it is in the middle of, so it has twice as many to compare others with.
 */
function compareBoxes(
  assembler: Assembler,
  trees: TreeLayout,
  map: string,
  labels: Labels,
  words: number,
  least?: number,
): void {
  const { box, asked } = labels
  const [first, second] = [assembler.label('another'), assembler.label('another')]
  const goOn = (): void =>
    assembler.emit(
      addImmediate(r2, trees.box.size),
      subImmediate(r4, 1),
      jumpIf('==', r4, immediate(0), asked),
      jumpIf('>', r2, immediate(trees.lastBox), asked),
    )
  assembler.place(first)
  goOn()
  assembler.place(box)
  askBox(assembler, trees, map, { asked, another: second }, words, least)
  assembler.place(second)
  goOn()
  askBox(assembler, trees, map, { asked, another: first }, words, least)
}

/** Goes to `another` where the box at the offset in r2 is not the answer, and is not the last of its leaf. */
function askBox(
  assembler: Assembler,
  trees: TreeLayout,
  map: string,
  { asked, another }: { readonly asked: Label; readonly another: Label },
  words: number,
  least: number | undefined,
): void {
  const miss = assembler.label('miss')
  assembler.emit(
    loadMapValue(r5, map),
    add(r5, r2),
    load('u32', r7, r5, trees.box.position),
    mov32(r0, r7),
    andImmediate32(r0, LAST - 1),
    jumpIf('>', r0, register(r9), asked),
  )
  if (least !== undefined) assembler.emit(load('u64', r1, r10, least), jumpIf('<', r0, register(r1), miss))
  compareBox(assembler, trees, miss, words)
  assembler.emit(
    mov32(r9, r7),
    andImmediate32(r9, LAST - 1),
    mov(r3, r9),
    lshImmediate(r3, 32),
    load('u32', r0, r5, trees.box.answer),
    or(r3, r0),
    jump(asked),
  )
  assembler.place(miss)
  // LAST is the sign
  assembler.emit(jumpIf('s>=', r7, immediate(0), another, 32), jump(asked))
}

/** Goes to `miss` where a word is outside of the box at r5. */
function compareBox(assembler: Assembler, { words }: TreeLayout, miss: Label, wordsAt: number): void {
  let at = 0
  for (const [index, { bits }] of words.entries()) {
    const size = bits === 64 ? 'u64' : 'u32'
    assembler.emit(
      load('u64', r0, r6, wordsAt + 8 * index),
      load(size, r1, r5, at),
      sub(r0, r1),
      load(size, r1, r5, at + bits / 8),
      jumpIf('>', r0, register(r1), miss),
    )
    at += bits / 4
  }
}
