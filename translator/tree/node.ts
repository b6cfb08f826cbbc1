import type { FieldName } from '../field.ts'
import type { Item } from '../item.ts'
import type { LeafTest } from '../test.ts'
import type { Point } from './interval.ts'

/** `field < at` goes below, the rest above. */
export interface Branch {
  readonly kind: 'branch'
  readonly field: FieldName
  readonly at: Point
  readonly below: Node
  readonly above: Node
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

export type Node = Branch | Leaf

export interface TreeShape {
  readonly leaves: number
  /** Branches on the longest way down. */
  readonly depth: number
  /** Candidates in all leaves, for how much rules are replicated. */
  readonly candidates: number
}

export function shapeOf(node: Node): TreeShape {
  if (node.kind === 'leaf') return { leaves: 1, depth: 0, candidates: node.candidates.length }
  const [below, above] = [shapeOf(node.below), shapeOf(node.above)]
  return {
    leaves: below.leaves + above.leaves,
    depth: 1 + Math.max(below.depth, above.depth),
    candidates: below.candidates + above.candidates,
  }
}
