import type { FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { LeafTest } from '../test.ts'
import type { Point } from './interval.ts'

/** `field < at` goes below, the rest above. */
export interface Branch<L extends AnyLeaf = Leaf> {
  readonly kind: 'branch'
  readonly field: FieldName
  readonly at: Point
  readonly below: Node<L>
  readonly above: Node<L>
}

/** An item that packets of a leaf may match, and what is still to be asked of them there. */
export interface Candidate {
  readonly item: Item
  readonly tests: readonly LeafTest[]
}

/** Candidates are gone through in the order of the rules; the last is often one that every packet of the leaf matches. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly candidates: readonly Candidate[]
}

/** A leaf holds candidates, of whatever form. */
export interface AnyLeaf {
  readonly kind: 'leaf'
  readonly candidates: { readonly length: number }
}

export type Node<L extends AnyLeaf = Leaf> = Branch<L> | L

export interface TreeShape {
  readonly branches: number
  readonly leaves: number
  /** Branches on the longest way down. */
  readonly depth: number
  /** Candidates in all leaves, for how much rules are replicated. */
  readonly candidates: number
  /** Candidates in the fullest leaf. */
  readonly fullest: number
}

/** Costs are asked for of the same trees again and again, and trees never change. */
const shapes = new WeakMap<Node<AnyLeaf>, TreeShape>()

export function shapeOf(root: Node<AnyLeaf>): TreeShape {
  if (root.kind === 'leaf') return measure(root)
  const shape = shapes.get(root) ?? measure(root)
  shapes.set(root, shape)
  return shape
}

function measure(root: Node<AnyLeaf>): TreeShape {
  let [branches, leaves, deepest, candidates, fullest] = [0, 0, 0, 0, 0]
  const visit = (node: Node<AnyLeaf>, depth: number): void => {
    if (node.kind === 'branch') {
      branches++
      visit(node.below, depth + 1)
      visit(node.above, depth + 1)
      return
    }
    const { length } = node.candidates
    leaves++
    candidates += length
    if (length > fullest) fullest = length
    if (depth > deepest) deepest = depth
  }
  visit(root, 0)
  return { branches, leaves, depth: deepest, candidates, fullest }
}

/** All leaves, from the lowest values up. */
export function* leavesOf<L extends AnyLeaf>(root: Node<L>): Generator<L> {
  const pending: Node<L>[] = [root]
  for (let node = pending.pop(); node; node = pending.pop())
    if (node.kind === 'leaf') yield node
    else pending.push(node.above, node.below)
}

/** The fields that a tree is cut along. */
export function cutFields<L extends AnyLeaf>(root: Node<L>): ReadonlySet<FieldName> {
  const cuts = new Set<FieldName>()
  const pending: Node<L>[] = [root]
  for (let node = pending.pop(); node; node = pending.pop())
    if (node.kind === 'branch') {
      cuts.add(node.field)
      pending.push(node.below, node.above)
    }
  return cuts
}
