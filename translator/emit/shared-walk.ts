// The function that walks trees of many blocks, and the map they stand in together (see shared-trees.ts):
//
//     u64 walk(record, offset of the first root, least position)
//
// It is verified once. Trees are placed one behind the other while code is emitted, and the function is made when all are.

import type { Family } from 'iptables-parser'
import { mov, movImmediate } from '../asm/alu.ts'
import { createAssembler } from '../asm/assembler.ts'
import { exit, immediate, jumpIf } from '../asm/jump.ts'
import { r0, r1, r2, r6, r8 } from '../asm/register.ts'
import type { JumpOptions } from '../asm/relax.ts'
import type { Block, KeptWalk, SeparatedBlock } from '../chain.ts'
import type { FunctionSpec, MapSpec } from '../program.ts'
import type { SharedTrees } from '../shared-trees.ts'
import { knotLayout } from '../tree/knot.ts'
import { movedTo, type TreeLayout, type TreeMap, writeTrees } from '../tree/map.ts'
import { widened } from '../tree/widen.ts'
import { type Action, type Answers, actionKey, NO_ANSWER } from './answer.ts'
import { createData, type Data } from './data.ts'
import type { RecordLayout } from './record.ts'
import { emitSharedSteps } from './walk.ts'

export interface SharedWalk {
  takes(block: Block): boolean
  /** The function: of the trees whose roots are at the offset in r2, the first answer from the position in r3 on is in r0 then. */
  readonly name: string
  /** Where in the map the roots of its trees are. */
  place(block: SeparatedBlock, answers: Answers): number
  /** What was placed. */
  readonly uses: ReadonlyMap<Block, WalkUse>
  /** What the program needs for the calls. */
  readonly functions: readonly FunctionSpec[]
  readonly maps: readonly MapSpec[]
}

/** How the trees of a block are walked. */
export type WalkUse = Pick<KeptWalk, 'walk' | 'root' | 'actions'>

export interface SharedWalkOptions {
  readonly family: Family
  readonly record: RecordLayout
  readonly jumps: JumpOptions
  /** The names of the function and of the map. */
  readonly name: string
  readonly map: string
  /** The trees as a map of their own holds them: written, where they were not for another program. */
  treesOf(block: SeparatedBlock, write: () => TreeMap): TreeMap
}

export function createSharedWalk(
  { blocks, fields }: SharedTrees,
  { family, record, jumps, name, map, treesOf }: SharedWalkOptions,
): SharedWalk {
  const data: Data = createData(map)
  const uses = new Map<Block, WalkUse>()
  const together = oneOfEach()
  let layout: TreeLayout | undefined
  const place = (block: SeparatedBlock, { said, actions }: Answers): number => {
    const trees = treesOf(block, () =>
      writeTrees(widened(block.space, fields, family), block.trees, family, said, true),
    )
    const { offset } = data.place(movedTo(trees, data.size))
    layout = largest(layout ?? trees, trees, data.size)
    uses.set(block, { walk: name, root: offset, actions: together(actions) })
    return offset
  }
  return {
    name,
    takes: block => blocks.has(block),
    place: (block, answers) => uses.get(block)?.root ?? place(block, answers),
    uses,
    get functions() {
      return layout ? [walkFunction({ family, record, jumps, name, map }, layout)] : []
    },
    get maps() {
      return data.maps
    },
  }
}

/** Lists of actions, of which equal ones are one: there is one for each block, and few are different. */
function oneOfEach(): (actions: readonly Action[]) => readonly Action[] {
  const known = new Map<string, readonly Action[]>()
  return actions => {
    const key = actions.map(actionKey).join()
    const found = known.get(key) ?? actions
    known.set(key, found)
    return found
  }
}

/** What is true of the trees of both, in a map of a size. */
const largest = (one: TreeLayout, other: TreeLayout, size: number): TreeLayout => ({
  ...one,
  size,
  lastKnot: size - knotLayout(one.words).size,
  lastBox: size - one.box.size,
  trees: Math.max(one.trees, other.trees),
  depth: Math.max(one.depth, other.depth),
  fullest: Math.max(one.fullest, other.fullest),
})

function walkFunction(
  { family, record, jumps, name, map }: Omit<SharedWalkOptions, 'treesOf'>,
  layout: TreeLayout,
): FunctionSpec {
  const assembler = createAssembler()
  const lost = assembler.label('lost')
  assembler.emit(mov(r6, r1), mov(r8, r2), jumpIf('==', r6, immediate(0), lost))
  emitSharedSteps({ assembler, family, record }, layout, map)
  assembler.place(lost)
  assembler.emit(movImmediate(r0, NO_ANSWER), exit())
  return {
    name,
    parameters: [
      { name: 'record', type: { kind: 'memory', size: record.size } },
      { name: 'root', type: { kind: 'scalar' } },
      { name: 'least', type: { kind: 'scalar' } },
    ],
    instructions: assembler.assemble(jumps),
  }
}
