// Calls of functions that several chains stand in, from the leaves of a tree: what all calls of one function have in common stands once behind the tree. A leaf says where the call
// counts, in r1, and which chain is meant, in r7.

import { jump } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load } from '../asm/memory.ts'
import { r1, r2, r6, r7 } from '../asm/register.ts'
import { forget } from '../hook/forget.ts'
import type { Item } from '../item.ts'
import { numberIn } from './alike.ts'
import type { Frame } from './frame.ts'
import { emitSelected } from './outcome.ts'
import { LENGTH_OFFSET } from './record.ts'

export interface ChainCalls {
  /** Emits what an item does that calls such a function; packets that return go to `next`, past whatever else stands in the leaf. False for all other items. */
  take(item: Item): boolean
  /** What is common to them: control does not go on behind. */
  emit(): void
}

interface CommonCall {
  readonly label: Label
  readonly array: string
  readonly kind: 'jump' | 'goto'
  readonly function: string
}

export function createChainCalls(frame: Frame, next: Label): ChainCalls {
  const { assembler, row } = frame
  const calls = new Map<string, CommonCall>()
  const labelOf = (call: Omit<CommonCall, 'label'>): Label => {
    const key = `${call.kind} ${call.array} ${call.function}`
    const known = calls.get(key) ?? { ...call, label: assembler.label('call') }
    calls.set(key, known)
    return known.label
  }
  return {
    take({ rule, outcome }) {
      if (!('chain' in outcome)) return false
      const entry = frame.entryOf(outcome.chain)
      if (entry?.selector === undefined) return false
      const { array, index } = frame.place(rule)
      const label = labelOf({ kind: outcome.kind, array: array.name, function: entry.function })
      assembler.emit(
        ...numberIn(r1, row, row?.counters.get(rule), index),
        ...numberIn(r7, row, row?.selectors.get(outcome.chain), entry.selector),
        jump(label),
      )
      return true
    },
    emit() {
      for (const { label, array, ...called } of calls.values()) {
        assembler.place(label)
        // or the verifier would go along here once for each leaf
        assembler.emit(load('u32', r2, r6, LENGTH_OFFSET), ...forget(r7, r2), ...forget(r1, r2))
        frame.countOn(array)
        emitSelected(frame, called.kind, called)
        if (called.kind === 'jump') assembler.emit(jump(next))
      }
    },
  }
}
