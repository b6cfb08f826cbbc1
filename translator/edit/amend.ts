// Trees in a map whose rules have changed: as bytes again, so that nothing but a new map is needed, and no rule is read but those that come and those that the ones
// that go had hidden.
//
// A rule that goes is taken out of all leaves. Where it was the last box of one, it may have covered all packets that come there, and what lies behind it was left
// out (TreeBuilder in tree/build.ts): so the boxes of the same tree that reach there come back, and of those that no leaf holds the ones that are given. Other trees
// were made without it.
//
// A rule that comes is put into a tree that is one leaf; where there is none that has room, it becomes one. The boxes behind it, and the trees, have positions one greater then.

import { knotLayout, LEAF } from '../tree/knot.ts'
import { EMPTY, markLast, moveReferences, ROOT_SIZE } from '../tree/map.ts'
import { LAST } from '../tree/word-box.ts'
import {
  boxesAt,
  boxesOf,
  covers,
  type Descent,
  descentTo,
  eachWay,
  isLeaf,
  leafAt,
  meets,
  meetsAt,
  quadsOf,
  readBox,
  regionOf,
  type Trees,
  viewOf,
  type WordBox,
  type WordRanges,
  writeBox,
} from '../tree/word-tree.ts'

/** A leaf that gets more boxes makes a packet that comes there dearer than what is laid over the trees would. */
const MOST_BOXES = 24
/** Boxes in a tree that is one leaf, which every packet is asked about. */
const MOST_IN_LEAF = 8

/** With a position free for each of some, in order, before what has that one: it is greater by as many as come before. */
export function withGaps({ layout, bytes }: Trees, before: readonly number[]): Trees {
  if (before.length === 0) return { layout, bytes }
  const moved = bytes.slice()
  const quads = new Uint32Array(moved.buffer)
  const { trees, lastBox, box } = layout
  raise(quads, { from: 0, end: ROOT_SIZE * trees, size: ROOT_SIZE }, before)
  raise(quads, { from: boxesAt(layout) + box.position, end: lastBox + box.size, size: box.size }, before)
  return { layout, bytes: moved }
}

/** Where positions stand. */
interface Column {
  readonly from: number
  readonly end: number
  readonly size: number
}

/** One loop, since V8 has not optimized a function yet that is called ten thousand times. */
function raise(quads: Uint32Array, { from, end, size }: Column, before: readonly number[]): void {
  const first = before[0] ?? 0
  for (let at = from >> 2; at < end >> 2; at += size >> 2) {
    const quad = quads[at] ?? 0
    const position = quad & (LAST - 1)
    if (position < first) continue
    let gaps = before.length
    while ((before[gaps - 1] ?? 0) > position) gaps--
    quads[at] = quad + gaps
  }
}

/** Without the boxes that have such an answer; undefined where leaves would have too many. `hidden` are boxes that no leaf need hold, in order. */
export function takenOut(
  trees: Trees,
  gone: ReadonlySet<number>,
  hidden: readonly WordBox[],
): Trees | undefined {
  const leavesGone = leavesWith(trees, gone)
  if (leavesGone.size === 0) return trees
  const descent = descentTo(trees, leavesGone.keys())
  const leaves = new Leaves(trees)
  const behind = new Map<number, readonly WordBox[]>()
  eachWay(trees, descent, (quad, leaf, tree) => {
    if (!leavesGone.has(leaf)) return
    const region = regionOf(trees, descent, quad)
    // no packet comes there, and no box that is gone is to be found there
    if (!region) return leaves.lead(4 * quad, [])
    const boxes = boxesOf(trees, leaf).map(at => readBox(trees, at))
    const left = boxes.filter(({ answer }) => !gone.has(answer))
    const last = boxes.at(-1)
    if (!last || !gone.has(last.answer)) return leaves.lead(4 * quad, left)
    const known = behind.get(tree) ?? [...boxesBehind(trees, descent, tree, leavesGone, gone), ...hidden]
    behind.set(tree, known)
    leaves.lead(4 * quad, [...left, ...reaching(region, left, known)])
  })
  return leaves.finish()
}

/** The leaves that hold a box with such an answer, and these boxes. */
function leavesWith(trees: Trees, gone: ReadonlySet<number>): ReadonlyMap<number, readonly WordBox[]> {
  const { layout, bytes } = trees
  const quads = quadsOf({ bytes })
  const { size, answer, position } = layout.box
  const found = new Map<number, WordBox[]>()
  let leaf = boxesAt(layout)
  for (let at = leaf; at <= layout.lastBox; at += size) {
    if (gone.has(quads[(at + answer) >> 2] ?? 0)) {
      const boxes = found.get(leaf) ?? []
      found.set(leaf, boxes)
      boxes.push(readBox(trees, at))
    }
    if ((quads[(at + position) >> 2] ?? 0) >= LAST) leaf = at + size
  }
  return found
}

/** The boxes of a tree that packets can meet behind those that go. */
function boxesBehind(
  trees: Trees,
  descent: Descent,
  tree: number,
  leavesGone: ReadonlyMap<number, readonly WordBox[]>,
  gone: ReadonlySet<number>,
): readonly WordBox[] {
  const boxes = distinct([...leavesGone.values()].flat())
  const first = boxes[0]?.position ?? 0
  const quads = quadsOf(trees)
  const { size, answer, position } = trees.layout.box
  const known = new Set<number>()
  const found: WordBox[] = []
  eachWay(trees, descent, (_, leaf, own) => {
    if (own !== tree || known.has(leaf)) return
    known.add(leaf)
    for (let at = leaf, last = 0; last < LAST; at += size) {
      last = quads[(at + position) >> 2] ?? LAST
      if ((last & (LAST - 1)) <= first || gone.has(quads[(at + answer) >> 2] ?? 0)) continue
      if (boxes.some(({ ranges }) => meetsAt(quads, at, trees.layout.words, ranges)))
        found.push(readBox(trees, at))
    }
  })
  return distinct(found)
}

/** Each once, by their positions. */
function distinct(boxes: readonly WordBox[]): readonly WordBox[] {
  const known = new Map<string, WordBox>()
  for (const box of boxes) known.set(keyOf(box), box)
  return [...known.values()].sort((a, b) => a.position - b.position)
}

const keyOf = ({ ranges, position }: WordBox): string =>
  `${position} ${ranges.map(({ low, high }) => `${low}-${high}`).join()}`

/** Of boxes those that packets of a region can meet behind others, in order. */
function reaching(
  region: WordRanges,
  before: readonly WordBox[],
  boxes: readonly WordBox[],
): readonly WordBox[] {
  const last = before.at(-1)?.position ?? -1
  const there = boxes.filter(({ ranges, position }) => position > last && meets(ranges, region))
  there.sort((a, b) => a.position - b.position)
  const end = there.findIndex(({ ranges }) => covers(ranges, region))
  return end < 0 ? there : there.slice(0, end + 1)
}

/** Leaves that are written behind all others, those with the same boxes once. */
class Leaves {
  readonly #trees: Trees
  readonly #bytes: Uint8Array
  readonly #known = new Map<string, number>()
  readonly #added: (readonly WordBox[])[] = []
  readonly #ends: number[] = []
  #end: number

  constructor(trees: Trees) {
    this.#trees = trees
    this.#bytes = trees.bytes.slice()
    this.#end = trees.layout.lastBox + trees.layout.box.size
  }

  /** Has a reference lead to a leaf of these boxes. */
  lead(at: number, boxes: readonly WordBox[]): void {
    const key = boxes.map(keyOf).join(' ')
    const known = this.#known.get(key) ?? this.#add(boxes)
    this.#known.set(key, known)
    viewOf({ bytes: this.#bytes }).setUint32(at, known, true)
  }

  #add(boxes: readonly WordBox[]): number {
    if (boxes.length === 0) return EMPTY
    const at = this.#end
    this.#added.push(boxes)
    this.#end += boxes.length * this.#trees.layout.box.size
    this.#ends.push(this.#end)
    return LEAF + at
  }

  /** Undefined where one is too long. */
  finish(): Trees | undefined {
    const { layout } = this.#trees
    const longest = this.#added.reduce((most, { length }) => Math.max(most, length), 0)
    if (longest > Math.max(MOST_BOXES, layout.fullest)) return undefined
    const bytes = new Uint8Array(this.#end)
    bytes.set(this.#bytes)
    const lastBox = this.#end - layout.box.size
    const trees = {
      layout: { ...layout, size: this.#end, lastBox, fullest: Math.max(layout.fullest, longest) },
      bytes,
    }
    let at = layout.lastBox + layout.box.size
    for (const box of this.#added.flat()) {
      writeBox(trees, at, box)
      at += layout.box.size
    }
    markLast(viewOf(trees), this.#ends, layout.box.size - layout.box.position)
    return trees
  }
}

/** With boxes of one rule, in their order, whose positions no other has; undefined where they are too many. */
export function putIn(trees: Trees, boxes: readonly WordBox[]): Trees | undefined {
  if (boxes.length === 0) return trees
  if (boxes.length > MOST_IN_LEAF) return undefined
  const view = viewOf(trees)
  for (let tree = 0; tree < trees.layout.trees; tree++) {
    const reference = view.getUint32(ROOT_SIZE * tree + 4, true)
    if (!isLeaf(reference)) continue
    const leaf = leafAt(reference, trees.layout)
    const there = leaf === undefined ? [] : boxesOf(trees, leaf).map(at => readBox(trees, at))
    if (there.length + boxes.length <= MOST_IN_LEAF) return inLeaf(trees, tree, [...there, ...boxes])
  }
  return inLeaf(withRoot(trees), trees.layout.trees, boxes)
}

function inLeaf(trees: Trees, tree: number, boxes: readonly WordBox[]): Trees | undefined {
  const leaves = new Leaves(trees)
  const order = boxes.toSorted((a, b) => a.position - b.position)
  leaves.lead(ROOT_SIZE * tree + 4, order)
  const amended = leaves.finish()
  if (amended) viewOf(amended).setUint32(ROOT_SIZE * tree, order[0]?.position ?? 0, true)
  return amended && inOrder(amended)
}

/** With one more tree behind the others, which is not written yet. */
function withRoot({ layout, bytes }: Trees): Trees {
  const roots = ROOT_SIZE * layout.trees
  const moved = new Uint8Array(bytes.length + ROOT_SIZE)
  moved.set(bytes.subarray(0, roots))
  moved.set(bytes.subarray(roots), roots + ROOT_SIZE)
  const knot = knotLayout(layout.words)
  const [firstKnot, lastKnot] = [roots + ROOT_SIZE, layout.lastKnot + ROOT_SIZE]
  moveReferences(moved, { trees: layout.trees, knot, firstKnot, lastKnot }, ROOT_SIZE)
  return {
    layout: {
      ...layout,
      size: moved.length,
      trees: layout.trees + 1,
      lastKnot,
      lastBox: layout.lastBox + ROOT_SIZE,
    },
    bytes: moved,
  }
}

/** The trees by the positions of their first items: the walk ends where none that comes can have a better answer. */
function inOrder(trees: Trees): Trees {
  const { layout, bytes } = trees
  const view = viewOf({ bytes })
  const roots = Array.from({ length: layout.trees }, (_, tree) => {
    const at = ROOT_SIZE * tree
    return [view.getUint32(at, true), view.getUint32(at + 4, true)] as const
  }).sort(([a], [b]) => a - b)
  for (const [tree, [first, reference]] of roots.entries()) {
    view.setUint32(ROOT_SIZE * tree, first, true)
    view.setUint32(ROOT_SIZE * tree + 4, reference, true)
  }
  return trees
}
