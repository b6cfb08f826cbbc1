// Emits chains: the base chain into the main function, user chains into functions of their own or in place.

import type { Family } from 'iptables-parser'
import { mov, movImmediate } from '../asm/alu.ts'
import { type Assembler, createAssembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { exit, immediate, type Jump, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { r0, r1, r6 } from '../asm/register.ts'
import type { Block } from '../chain.ts'
import type { CounterPlace } from '../counter.ts'
import type { FunctionSpec } from '../program.ts'
import { countCall } from './count.ts'
import { chainResult, type Ending, type Frame } from './frame.ts'
import { chainFunctionName, emitOutcome } from './outcome.ts'
import { RECORD_SIZE } from './record.ts'
import { emitTree } from './tree.ts'

/** A chain ready to be emitted. */
export interface PlannedChain {
  readonly name: string
  readonly blocks: readonly Block[]
}

/** What all functions of a program share. */
export interface EmitContext {
  readonly family: Family
  readonly chains: ReadonlyMap<string, PlannedChain>
  /** Chains that have a function; the others are emitted in place. */
  readonly functions: ReadonlySet<string>
  place(rule: number): CounterPlace
}

/** What the function of a base chain must leave in r0. */
export interface Verdicts {
  readonly accept: number
  readonly drop: number
}

/** The policy of a base chain: what is counted by it, and what it does. */
export interface PlannedPolicy {
  readonly rule: number
  readonly verdict: 'accept' | 'drop'
}

/** Emits a base chain behind a prologue that has filled the record r6 points to. */
export function emitBaseChain(
  assembler: Assembler,
  context: EmitContext,
  chain: PlannedChain,
  policy: PlannedPolicy,
  verdicts: Verdicts,
): void {
  const endings = createEndings(assembler)
  const toPolicy = assembler.label('policy')
  const frame = createFrame(assembler, context, ending =>
    ending.kind === 'return' && !ending.count ? toPolicy : endings.label(ending),
  )
  emitBlocks(frame, chain.blocks)
  assembler.place(toPolicy)
  assembler.withOrigin({ rule: policy.rule }, () =>
    emitOutcome(frame, { rule: policy.rule, sets: new Map(), rest: [], outcome: { kind: policy.verdict } }),
  )
  endings.emit(({ kind }) =>
    kind === 'return' ? [jump(toPolicy)] : [movImmediate(r0, verdicts[kind]), exit()],
  )
}

/** The function of a user chain: given the record, it yields a chainResult. */
export function chainFunction(context: EmitContext, chain: PlannedChain): FunctionSpec {
  const assembler = createAssembler()
  const endings = createEndings(assembler)
  const frame = createFrame(assembler, context, endings.label)
  const empty = endings.label({ kind: 'return' })
  assembler.emit(mov(r6, r1), jumpIf('==', r6, immediate(0), empty))
  emitBlocks(frame, chain.blocks)
  assembler.emit(jump(empty))
  endings.emit(({ kind }) => [movImmediate(r0, chainResult[kind]), exit()])
  return {
    name: chainFunctionName(chain.name, context.family),
    parameters: [{ name: 'record', type: { kind: 'memory', size: RECORD_SIZE } }],
    instructions: assembler.assemble(),
  }
}

function emitBlocks(frame: Frame, blocks: readonly Block[]): void {
  const { assembler } = frame
  for (const block of blocks) {
    if (block.kind === 'always')
      assembler.withOrigin({ rule: block.item.rule }, () => emitOutcome(frame, block.item))
    else {
      const next = assembler.label('next')
      emitTree(frame, block.root, next)
      assembler.place(next)
    }
  }
}

function createFrame(assembler: Assembler, context: EmitContext, ending: Frame['ending']): Frame {
  const frame: Frame = {
    assembler,
    family: context.family,
    ending,
    place: context.place,
    isFunction: chain => context.functions.has(chain),
    inline(name, done) {
      const chain = context.chains.get(name)
      if (!chain) return
      // in place, to return is to go on behind the call
      const returns = createEndings(assembler)
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

type Statement = Instruction | Jump

interface Endings {
  readonly used: boolean
  label(ending: Ending): Label
  /** Emits each ending that is used: its count first, then what `finish` says. */
  emit(finish: (ending: Ending) => readonly Statement[]): void
}

function createEndings(assembler: Assembler): Endings {
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
        if (ending.count) assembler.emit(...countCall(ending.count))
        assembler.emit(...finish(ending))
      }
    },
  }
}
