// Several trees over one run of rules that all decide. Each is a function that is given the best answer so far and yields the better one:
//
//     u64 tree(record, best)
//
// What a function yields means nothing to the verifier, so it walks each tree once and not once for every answer of the tree before.

import { mov, movImmediate, rshImmediate } from '../asm/alu.ts'
import { createAssembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callFunction, exit, immediate, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { loadImmediate64 } from '../asm/memory.ts'
import { r0, r1, r2, r6, r7, r8 } from '../asm/register.ts'
import { type SeparatedBlock, treesIn } from '../chain.ts'
import type { Item } from '../item.ts'
import type { Node } from '../tree/node.ts'
import { type Answers, answerAt, answersOf, emitAnswer, NO_ANSWER } from './answer.ts'
import type { Frame } from './frame.ts'
import { emitNode } from './tree.ts'

export function emitSeparated(frame: Frame, block: SeparatedBlock, next: Label): void {
  const { space, trees } = block
  const answers = answersOf(frame, space.items)
  const positions = new Map(space.items.map((item, position) => [item, position]))
  const roots = treesIn(block)
  const visits = trees.map((tree, index) => ({
    first: space.itemOf[tree.first] ?? 0,
    call: [
      mov(r1, r6),
      callFunction(treeFunction(frame, roots[index], item => positions.get(item) ?? 0, answers.said)),
    ],
  }))
  emitVisits(frame, visits)
  emitAnswer(frame, answers.actions, next)
}

/** One of several trees: the first position it can answer, and the call that does so, given the best answer so far in r2. */
export interface Visit {
  readonly first: number
  readonly call: readonly Instruction[]
}

/** Asks trees in the order of their first positions, until none can have a better answer than the one in r0. */
export function emitVisits({ assembler }: Frame, visits: readonly Visit[]): void {
  const answered = assembler.label('answered')
  for (const [index, { first, call }] of visits.entries()) {
    if (index === 0) assembler.emit(movImmediate(r2, NO_ANSWER))
    else
      assembler.emit(
        mov(r2, r0),
        mov(r1, r0),
        rshImmediate(r1, 32),
        jumpIf('<', r1, immediate(first), answered),
      )
    assembler.emit(...call)
  }
  assembler.place(answered)
}

/** Registers there: r6 the record, r7 the position of the best answer so far, r8 that answer. */
function treeFunction(
  frame: Frame,
  tree: Node | undefined,
  positionOf: (item: Item) => number,
  said: Answers['said'],
): string {
  const assembler = createAssembler()
  const none = assembler.label('none')
  assembler.emit(
    mov(r8, r2),
    mov(r7, r2),
    rshImmediate(r7, 32),
    mov(r6, r1),
    jumpIf('==', r6, immediate(0), none),
  )
  if (tree)
    emitNode({ ...frame, assembler }, tree, none, {
      enter: item => assembler.emit(jumpIf('<', r7, immediate(positionOf(item)), none)),
      outcome: item =>
        assembler.emit(loadImmediate64(r0, answerAt(positionOf(item), said[positionOf(item)] ?? 0)), exit()),
    })
  assembler.place(none)
  assembler.emit(mov(r0, r8), exit())
  return frame.subprogram(
    'tree',
    [
      { name: 'record', type: { kind: 'memory', size: frame.record.size } },
      { name: 'best', type: { kind: 'scalar' } },
    ],
    assembler,
  )
}
