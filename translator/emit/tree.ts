import { jump } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import type { FieldName } from '../field.ts'
import { type Item, isFinal } from '../item.ts'
import { intersect } from '../tree/interval.ts'
import type { Candidate, Leaf, Node } from '../tree/node.ts'
import { createChainCalls } from './chain-call.ts'
import { jumpIfNotBelow, loadField } from './compare.ts'
import type { Frame } from './frame.ts'
import { emitOutcome } from './outcome.ts'
import { emitTest } from './test.ts'

/** What leaves do with the items that packets match there. */
export interface LeafCode {
  /** Comes before the questions about an item. */
  enter?(item: Item): void
  /** Control goes on behind only where the item does not end the walk. */
  outcome(item: Item): void
  /** The same where packets that the item does not end the walk of meet nothing else of the leaf. */
  last?(item: Item): void
}

/** Emits a tree whose packets go to `next` where no rule of it ends their walk. */
export function emitTree(frame: Frame, root: Node, next: Label): void {
  const calls = createChainCalls(frame, next)
  emitNode(frame, root, next, {
    outcome: item => emitOutcome(frame, item),
    last: item => calls.take(item) || emitOutcome(frame, item),
  })
  calls.emit()
}

/** Emits a tree whose leaves do as `code` says. */
export function emitNode(frame: Frame, root: Node, next: Label, code: LeafCode): void {
  new TreeEmitter(frame, next, code).node(root, undefined)
}

class TreeEmitter {
  readonly #frame: Frame
  readonly #next: Label
  readonly #code: LeafCode
  /** Leaves with the same candidates are emitted once. */
  readonly #leaves = new Map<string, Label>()
  readonly #numbers = new Map<Item, number>()

  constructor(frame: Frame, next: Label, code: LeafCode) {
    this.#frame = frame
    this.#next = next
    this.#code = code
  }

  /** `loaded` is the field that r1 holds on the way here. */
  node(node: Node, loaded: FieldName | undefined): void {
    const { assembler } = this.#frame
    if (node.kind === 'leaf') return this.#leaf(node)
    if (loaded !== node.field) loadField(this.#frame, node.field)
    const known = this.#knownLabel(node.above)
    const above = known ?? assembler.label('above')
    jumpIfNotBelow(this.#frame, node.field, node.at, above)
    this.node(node.below, node.field)
    if (known) return
    assembler.place(above)
    this.node(node.above, node.field)
  }

  /** Where to jump for a leaf that has code already, or needs none. */
  #knownLabel(node: Node): Label | undefined {
    if (node.kind !== 'leaf') return undefined
    return node.candidates.length === 0 ? this.#next : this.#leaves.get(this.#keyOf(node))
  }

  #leaf(leaf: Leaf): void {
    const { assembler } = this.#frame
    const known = this.#knownLabel(leaf)
    if (known) return assembler.emit(jump(known))
    const label = assembler.label('leaf')
    this.#leaves.set(this.#keyOf(leaf), label)
    assembler.place(label)
    for (const [at, candidate] of leaf.candidates.entries())
      this.#candidate(candidate, leaf.candidates.slice(at + 1))
    const last = leaf.candidates.at(-1)
    if (!last || last.tests.length > 0 || !isFinal(last.item)) assembler.emit(jump(this.#next))
  }

  #candidate({ item, tests }: Candidate, others: readonly Candidate[]): void {
    const { assembler } = this.#frame
    assembler.withOrigin({ rule: item.rule }, () => {
      const failed = assembler.label('not')
      this.#code.enter?.(item)
      for (const test of tests) emitTest(this.#frame, test, failed)
      if (this.#code.last && others.every(other => excludes(item, other.item))) this.#code.last(item)
      else this.#code.outcome(item)
      assembler.place(failed)
    })
  }

  /** Candidates are told apart by their items, since a rule may have several, and by the fields that are still to be asked for. */
  #keyOf({ candidates }: Leaf): string {
    return candidates
      .map(({ item, tests }) => {
        const number = this.#numbers.get(item) ?? this.#numbers.size
        this.#numbers.set(item, number)
        return `${number}:${tests.map(test => (test.kind === 'set' ? test.field : '*')).join()}`
      })
      .join(' ')
  }
}

/** Whether no packet that meets one of them meets the other. */
const excludes = (one: Item, other: Item): boolean =>
  [...one.sets].some(([field, set]) => {
    const others = other.sets.get(field)
    return others !== undefined && intersect(set, others).length === 0
  })
