// Where one tree would replicate rules too often, trees for the rules that are alike: the ones wide in a field are replicated by the cuts
// that the narrow ones need (after EffiCuts: Vamanan, Voskuilen, Vijaykumar, SIGCOMM 2010). Classes are only told apart as far as
// that is the matter, so that there are few trees.

import type { Family } from 'iptables-parser'
import type { FieldName } from '../field.ts'
import { type BoxLeaf, growTree } from './build.ts'
import type { Node } from './node.ts'
import type { Space } from './space.ts'
import { Widths } from './width.ts'

/** One tree among several, of which the answer of the smallest item counts. */
export interface SeparateTree {
  readonly root: Node<BoxLeaf>
  readonly boxes: number
  /** The number of the first box. */
  readonly first: number
}

type Shares = readonly (readonly [FieldName, number])[]

/** From which share of all values on a rule is wide in a field; for each pass over the rules. */
const passes: readonly Shares[] = [
  [
    ['daddr', 0.05],
    ['dport', 0.5],
    ['saddr', 0.05],
    ['sport', 0.5],
  ],
  [
    ['daddr', 2 ** -14],
    ['saddr', 2 ** -14],
  ],
]

/** How far a tree may replicate rules while the rules can be told apart, and how far before they are halved. */
const REPLICATION = [1.5, 2, 8] as const

/** Of so many boxes on, a part of them tells first whether a tree is worth trying. */
const LEAST_SAMPLED = 4096
const SAMPLE = 8

export interface Separation {
  readonly family: Family
  /** At most so many candidates with questions left make a leaf. */
  readonly linear: number
  /** Whether classes are told apart where one tree would do as well. */
  readonly eager: boolean
  /** One tree for all is known to replicate more than so often. */
  readonly failed: number
}

/** Trees for boxes of a space, those with the first boxes first. */
export function separateTrees(
  space: Space,
  ids: Int32Array,
  { family, linear, eager, failed }: Separation,
): readonly SeparateTree[] {
  const trees: SeparateTree[] = []
  const widths = new Widths(space, family)
  const separate = (boxes: Int32Array, pass: number): void => {
    const replication = REPLICATION[pass] ?? REPLICATION[2]
    const hopeless = (eager && pass === 0) || (boxes === ids && replication <= failed)
    const root = hopeless ? undefined : tryTree(space, boxes, linear, replication)
    if (root) trees.push({ root, boxes: boxes.length, first: boxes[0] ?? 0 })
    else if (pass < passes.length) {
      const classes = classesOf(widths, boxes, passes[pass] ?? [])
      if (classes) for (const each of classes) separate(each, pass)
      else separate(boxes, pass + 1)
    } else {
      const middle = boxes.length >> 1
      separate(boxes.subarray(0, middle), pass)
      separate(boxes.subarray(middle), pass)
    }
  }
  separate(ids, 0)
  return trees.sort((a, b) => a.first - b.first)
}

/** A tree over the boxes that replicates them at most so often. */
export function tryTree(
  space: Space,
  ids: Int32Array,
  linear: number,
  replication: number,
): Node<BoxLeaf> | undefined {
  const limits = ({ length }: Int32Array) => ({ linear, candidates: 64 + replication * length })
  if (ids.length >= LEAST_SAMPLED) {
    const sample = sampleOf(ids)
    if (!growTree(space, sample, limits(sample))) return undefined
  }
  return growTree(space, ids, limits(ids))
}

function sampleOf(ids: Int32Array): Int32Array {
  const sample = new Int32Array(Math.ceil(ids.length / SAMPLE))
  for (let at = 0; at < sample.length; at++) sample[at] = ids[SAMPLE * at] as number
  return sample
}

/** The narrow and the wide boxes of the field where there are most of both; undefined where all boxes are alike in every field. */
function classesOf(
  widths: Widths,
  ids: Int32Array,
  shares: Shares,
): readonly [Int32Array, Int32Array] | undefined {
  let best: { readonly fewer: number; readonly wide: Uint8Array; readonly count: number } | undefined
  for (const [field, share] of shares) {
    const { wide, count } = widths.wide(ids, field, share)
    const fewer = Math.min(count, ids.length - count)
    if (fewer > (best?.fewer ?? 0)) best = { fewer, wide, count }
  }
  return best && parted(ids, best.wide, best.count)
}

function parted(ids: Int32Array, wide: Uint8Array, count: number): readonly [Int32Array, Int32Array] {
  const [narrow, others] = [new Int32Array(ids.length - count), new Int32Array(count)]
  let [nextNarrow, nextOther] = [0, 0]
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] as number
    if (wide[at] === 0) narrow[nextNarrow++] = id
    else others[nextOther++] = id
  }
  return [narrow, others]
}
