// A chain cut into blocks. The steps of a plan ask the same of thousands of chains one after the other, and so do the plans of several programs: it is found
// out once.

import { type Calls, callsIn, NO_CALLS, slotsIn } from './calls.ts'
import { type Block, blocksIn, isCode, itemListsIn, itemsIn, type Strategies } from './chain.ts'
import type { PlannedChain } from './emit/chain.ts'
import type { Item } from './item.ts'
import { trimmed } from './trimmed.ts'

export class CutChain implements PlannedChain {
  readonly name: string
  /** What it was made of. */
  readonly items: readonly Item[]
  readonly strategies: Strategies
  readonly blocks: readonly Block[]
  /** Whether all of it is code, none of it more than one function. */
  readonly isCode: boolean
  #calls: Calls | undefined
  #slots: number | undefined
  #rules: number | undefined
  #lists: readonly (readonly Item[])[] | undefined

  constructor(name: string, items: readonly Item[], strategies: Strategies, blocks: readonly Block[]) {
    this.name = name
    this.items = items
    this.strategies = strategies
    this.blocks = blocks
    this.isCode = blocks.every(isCode)
  }

  /** Which chains it calls. */
  get calls(): Calls {
    this.#calls ??= this.isCode && !callsAny(this.items) ? NO_CALLS : callsIn(this.blocks)
    return this.#calls
  }

  /** Slots of its code, about. */
  get slots(): number {
    this.#slots ??= slotsIn(this.blocks)
    return this.#slots
  }

  /** The items of its blocks, in few lists. */
  get lists(): readonly (readonly Item[])[] {
    this.#lists ??= this.#isAllAsked() ? [this.items] : listsIn(this.blocks)
    return this.#lists
  }

  /** Whether its items are asked one after the other, and none of them is left out. */
  #isAllAsked(): boolean {
    const { items } = this
    let next = 0
    for (let at = 0; at < this.blocks.length; at++) {
      const block = this.blocks[at] as Block
      if (block.kind === 'always') {
        if (items[next++] !== block.item) return false
      } else if (block.kind === 'tree' && block.root.kind === 'leaf') {
        const { candidates } = block.root
        for (let own = 0; own < candidates.length; own++)
          if (items[next++] !== candidates[own]?.item) return false
      } else return false
    }
    return next === items.length
  }

  /** Rules in trees, about: one whose transport header is asked about is on both sides of a split. Those of look-ups are few slots, and go on by themselves. */
  get rules(): number {
    this.#rules ??= rulesIn(this.blocks)
    return this.#rules
  }
}

function callsAny(items: readonly Item[]): boolean {
  for (let at = 0; at < items.length; at++) if ('chain' in (items[at] as Item).outcome) return true
  return false
}

function listsIn(blocks: readonly Block[]): readonly (readonly Item[])[] {
  if (blocks.length === 1) return itemListsIn(blocks[0] as Block)
  const lists: (readonly Item[])[] = []
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block
    if (isCode(block)) lists.push(itemsIn(block))
    else for (const list of itemListsIn(block)) lists.push(list)
  }
  return trimmed(lists)
}

function rulesIn(blocks: readonly Block[]): number {
  let rules = 0
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block
    if (block.kind === 'always') rules++
    else if (block.kind === 'tree' && block.root.kind === 'leaf') rules += block.root.candidates.length
    else for (const one of blocksIn(block)) if (one.kind !== 'dispatch') rules += itemsIn(one).length
  }
  return rules
}
