// Emits chains: as functions of their own, or in place of the call.

import { mov, movImmediate } from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { exit, immediate, type Jump, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r2, r6 } from '../asm/register.ts'
import type { JumpOptions } from '../asm/relax.ts'
import type { Block, OverlaidBlock, SeparatedBlock } from '../chain.ts'
import { transport } from '../field.ts'
import type { FunctionSpec } from '../program.ts'
import { setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { type Entry, emitRow, type Kind, type Row, rowsOf } from './alike.ts'
import { emitDispatch } from './dispatch.ts'
import { chainResult, type Ending, type Frame, type Shared } from './frame.ts'
import { emitOutcome } from './outcome.ts'
import { emitParted } from './parted.ts'
import { emitSeparated } from './separated.ts'
import { emitTest } from './test.ts'
import { emitTree } from './tree.ts'
import { emitKept, emitMapped, emitWalked } from './walk.ts'

/** A chain ready to be emitted. */
export interface PlannedChain {
  readonly name: string
  readonly blocks: readonly Block[]
}

/** What all functions of a program share. */
export interface EmitContext {
  readonly shared: Shared
  readonly chains: ReadonlyMap<string, PlannedChain>
  /** Of chains that are called as functions; the others are emitted in place. */
  readonly functions: ReadonlyMap<string, Entry>
  readonly jumps: JumpOptions
  readonly row?: Row
  /** Emits how a packet is counted that goes no further; the index is in r1. */
  countEnd(assembler: Assembler, array: string): void
  /** And of one that goes on. */
  countOn(assembler: Assembler, array: string): void
  /** Its name is the prefix and a number. */
  subprogram(prefix: string, fn: Omit<FunctionSpec, 'name'>): string
}

/** The policy of a base chain: what is counted by it, and what it does. */
export interface PlannedPolicy {
  readonly rule: number
  readonly verdict: 'accept' | 'drop'
}

/** The function of chains, by their kinds, of which r2 says which is meant where they are several: given the record, it yields a chainResult; with a base chain's policy never `return`. */
export function chainFunction(
  context: EmitContext,
  name: string,
  kinds: readonly Kind[],
  policy?: PlannedPolicy,
): FunctionSpec {
  const assembler = createAssembler()
  const lost = assembler.label('lost')
  assembler.emit(mov(r6, r1), jumpIf('==', r6, immediate(0), lost))
  const end = (kind: keyof typeof chainResult): Statement[] => [movImmediate(r0, chainResult[kind]), exit()]
  emitChains(assembler, context, kinds, {
    accept: end('accept'),
    drop: end('drop'),
    return: policy ?? end('return'),
  })
  assembler.place(lost)
  assembler.emit(...end('drop'))
  return {
    name,
    parameters: [
      { name: 'record', type: { kind: 'memory', size: context.shared.record.size } },
      ...(isSeveral(kinds) ? [{ name: 'selector', type: { kind: 'scalar' } } as const] : []),
    ],
    instructions: assembler.assemble(context.jumps),
  }
}

const isSeveral = (kinds: readonly Kind[]): boolean =>
  kinds.length > 1 || kinds.some(({ chains }) => chains.length > 1)

/** What follows a chain's verdicts; where it returns, a base chain has its policy. */
export interface ChainEnds {
  readonly accept: readonly Statement[]
  readonly drop: readonly Statement[]
  readonly return: readonly Statement[] | PlannedPolicy
}

/** Emits chains where the record is in r6, and where they are several the selector in r2. They end as their verdicts say, and do not go on behind. */
export function emitChains(
  assembler: Assembler,
  context: EmitContext,
  kinds: readonly Kind[],
  ends: ChainEnds,
): void {
  const endings = createEndings(assembler, context.countEnd)
  const done = assembler.label('done')
  const ending: Frame['ending'] = ending =>
    ending.kind === 'return' && !ending.count ? done : endings.label(ending)
  const frameWith = (row?: Row): Frame => createFrame(assembler, row ? { ...context, row } : context, ending)
  const frame = frameWith()
  chooseKind(frame, kinds, frameWith, done)
  assembler.place(done)
  if ('verdict' in ends.return) emitPolicy(frame, ends.return)
  else assembler.emit(...ends.return)
  endings.emit(({ kind }) => (kind === 'return' ? [jump(done)] : ends[kind]))
}

/** Emits chains, of which r2 says which is meant; all go to `done` where they return. */
function chooseKind(frame: Frame, kinds: readonly Kind[], frameWith: (row: Row) => Frame, done: Label): void {
  const { assembler } = frame
  const firsts = [0]
  for (const { chains } of kinds) firsts.push((firsts.at(-1) ?? 0) + chains.length)
  const choose = (from: number, to: number): void => {
    if (to - from > 1) {
      const middle = (from + to) >> 1
      const upper = assembler.label('chains')
      assembler.emit(jumpIf('>=', r2, immediate(firsts[middle] ?? 0), upper, 32))
      choose(from, middle)
      assembler.place(upper)
      return choose(middle, to)
    }
    const kind = kinds[from]
    if (kind) emitKind(frame, kind, firsts[from] ?? 0, frameWith)
    if (to < kinds.length) assembler.emit(jump(done))
  }
  choose(0, kinds.length)
}

function emitKind(frame: Frame, kind: Kind, first: number, frameWith: (row: Row) => Frame): void {
  const { blocks = [] } = kind.chains[0] ?? {}
  if (kind.chains.length === 1) return emitBlocks(frame, blocks)
  const row = rowsOf(kind, frame)
  const none = frame.ending({ kind: 'drop' })
  emitRow(frame, row, { first, count: kind.chains.length, none })
  emitBlocks(frameWith(row), blocks)
}

function emitPolicy(frame: Frame, { rule, verdict }: PlannedPolicy): void {
  const item = { rule, sets: new Map(), rest: [], outcome: { kind: verdict } }
  frame.assembler.withOrigin({ rule }, () => emitOutcome(frame, item))
}

function emitBlocks(frame: Frame, blocks: readonly Block[]): void {
  for (const block of blocks) {
    const next = frame.assembler.label('next')
    emitBlock(frame, block, next)
    frame.assembler.place(next)
  }
}

/** Packets that no rule of the block decides go on, or to `next`. */
function emitBlock(frame: Frame, block: Block, next: Label): void {
  const { assembler } = frame
  if (block.kind === 'always')
    assembler.withOrigin({ rule: block.item.rule }, () => emitOutcome(frame, block.item))
  else if (block.kind === 'tree') emitTree(frame, block.root, next)
  else if (block.kind === 'dispatch')
    assembler.withOrigin({ comment: `look-up of ${block.cases.length} rules` }, () =>
      emitDispatch(frame, block, next),
    )
  else if (block.kind === 'split') emitSplit(frame, block, next)
  else if (block.kind === 'overlaid') emitOverlaid(frame, block, next)
  else if (block.kind === 'parted') emitParted(frame, block, emitBlocks)
  else if (block.kind === 'kept')
    assembler.withOrigin({ comment: 'trees in a map that goes on' }, () => emitKept(frame, block, next))
  else if (block.kind === 'walked')
    assembler.withOrigin({ comment: 'trees in a map that goes on' }, () => emitWalked(frame, block, next))
  else emitTrees(frame, block, next)
}

function emitTrees(frame: Frame, block: SeparatedBlock, next: Label): void {
  const mapped = block.kind === 'mapped'
  const comment = `${block.trees.length} trees in ${mapped ? 'a map' : 'code'}`
  frame.assembler.withOrigin({ comment }, () =>
    mapped ? emitMapped(frame, block, next) : emitSeparated(frame, block, next),
  )
}

function emitSplit(frame: Frame, { whole, odd }: Extract<Block, { kind: 'split' }>, next: Label): void {
  const { assembler } = frame
  const other = assembler.label('odd')
  emitTest(frame, setTest('transport', single(transport.whole)), other)
  emitBlocks(frame, whole)
  assembler.emit(jump(next))
  assembler.place(other)
  emitBlocks(frame, odd)
}

/** What lies over the blocks comes first, and leads past them or falls through to them. */
function emitOverlaid(frame: Frame, { over, under }: OverlaidBlock, next: Label): void {
  emitBlocks({ ...frame, past: next }, over)
  emitBlocks(frame, under)
}

function createFrame(assembler: Assembler, context: EmitContext, ending: Frame['ending']): Frame {
  const frame: Frame = {
    ...context.shared,
    ...(context.row && { row: context.row }),
    assembler,
    ending,
    countOn: array => context.countOn(assembler, array),
    subprogram: (prefix, parameters, body) =>
      context.subprogram(prefix, { parameters, instructions: body.assemble(context.jumps) }),
    entryOf: chain => context.functions.get(chain),
    inline(name, done) {
      const chain = context.chains.get(name)
      if (!chain) return
      // in place, to return is to go on behind the call
      const returns = createEndings(assembler, context.countOn)
      const inner = createFrame(assembler, context, way =>
        way.kind !== 'return' ? ending(way) : way.count ? returns.label(way) : done,
      )
      emitBlocks(inner, chain.blocks)
      if (returns.used) assembler.emit(jump(done))
      returns.emit(() => [jump(done)])
    },
  }
  return frame
}

export type Statement = Instruction | Jump

interface Endings {
  readonly used: boolean
  label(ending: Ending): Label
  /** Emits each ending that is used: its count first, then what `finish` says. */
  emit(finish: (ending: Ending) => readonly Statement[]): void
}

/** `count` says how they count. */
function createEndings(assembler: Assembler, count: EmitContext['countOn']): Endings {
  const labels = new Map<string, { ending: Ending; label: Label }>()
  return {
    get used() {
      return labels.size > 0
    },
    label(ending) {
      const key = `${ending.kind}_${ending.count ?? ''}`
      let known = labels.get(key)
      if (!known) {
        known = { ending, label: assembler.label(ending.count ? `count_${ending.kind}` : ending.kind) }
        labels.set(key, known)
      }
      return known.label
    },
    emit(finish) {
      for (const { ending, label } of labels.values()) {
        assembler.place(label)
        if (ending.count) count(assembler, ending.count)
        assembler.emit(...finish(ending))
      }
    },
  }
}
