// Chains of one function that are alike, as those of pods and containers are: the same code but for the places they count in, the addresses they
// ask for and the chains they call. Their code stands once, and what differs is in a row for each of them, whose place r8 holds:
//
//     byte  0        4        8 …
//           number   number   as many as differ
//           u32      u32
//
// Only chains are alike whose rules are asked in turn, by trees in code that are cut alike, or by walks of trees that share a map, wherever in it they stand.

import type { Family } from 'iptables-parser'
import { add, mov, movImmediate, mulImmediate, subImmediate } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMapValue } from '../asm/memory.ts'
import { type Register, r2, r8 } from '../asm/register.ts'
import type { Block, SeparatedBlock } from '../chain.ts'
import { bodiesOf } from '../chain-function.ts'
import type { CounterPlace } from '../counter.ts'
import { fieldOf } from '../field.ts'
import { type Item, isFinal } from '../item.ts'
import type { Plan } from '../plan.ts'
import type { SharedTrees } from '../shared-trees.ts'
import type { LeafTest, SetTest } from '../test.ts'
import { isSingle } from '../tree/interval.ts'
import type { Candidate, Node } from '../tree/node.ts'
import { answersOf } from './answer.ts'
import type { PlannedChain } from './chain.ts'
import type { DataPlace } from './data.ts'
import type { Frame } from './frame.ts'

/** A number in a chain's code that may be another in one that is alike. */
type Part =
  | { readonly kind: 'counter'; readonly rule: number }
  | { readonly kind: 'value'; readonly test: SetTest }
  | { readonly kind: 'selector'; readonly chain: string }
  | { readonly kind: 'trees'; readonly block: SeparatedBlock }

type Word = string | number | bigint

/** What a chain's code says. */
interface Shape {
  /** The same for chains that are alike. */
  readonly words: readonly Word[]
  readonly parts: readonly Part[]
}

/** Whose chains they are. */
export interface About {
  readonly family: Family
  readonly chains: ReadonlyMap<string, PlannedChain>
  /** Which trees share a map. */
  readonly shared: SharedTrees
  place(rule: number): CounterPlace
  slotOf(rule: number): number
}

interface Shaping extends About {
  /** The function that a chain is called in; none where it stands in place. */
  functionOf(chain: string): string | undefined
}

/** Chains that are alike, or one that is not like others; the code is the first one's. */
export interface Kind {
  readonly chains: readonly PlannedChain[]
  readonly parts: readonly (readonly Part[])[]
}

/** A chain by itself. */
export const onlyKind = (chain: PlannedChain): Kind => ({ chains: [chain], parts: [[]] })

/** How a chain is called. */
export interface Entry {
  /** The function it stands in. */
  readonly function: string
  /** Which of the function's chains it is, where it has several. */
  readonly selector?: number
}

/** Functions that chains stand in. */
export interface Holders {
  /** What each holds. */
  readonly kinds: ReadonlyMap<string, readonly Kind[]>
  /** How chains are called: selectors count through the kinds. */
  readonly entries: ReadonlyMap<string, Entry>
}

export function holdersIn(plan: Pick<Plan, 'chains' | 'functions'>, about: About): Holders {
  const shaping = { ...about, functionOf: (chain: string) => plan.functions.get(chain) }
  const kinds = new Map<string, readonly Kind[]>()
  const entries = new Map<string, Entry>()
  for (const [name, chains] of bodiesOf(plan)) {
    const own = chains.length === 1 ? chains.map(onlyKind) : kindsOf(chains, shaping)
    kinds.set(name, own)
    let selector = 0
    for (const { chains: inOrder } of own)
      for (let at = 0; at < inOrder.length; at++) {
        const { name: chain } = inOrder[at] as PlannedChain
        entries.set(chain, chains.length === 1 ? { function: name } : { function: name, selector })
        selector++
      }
  }
  return { kinds, entries }
}

interface GrowingKind {
  readonly chains: PlannedChain[]
  readonly parts: (readonly Part[])[]
}

/** Chains by what they are like, in the order of the first of each kind. */
function kindsOf(chains: readonly PlannedChain[], shaping: Shaping): Kind[] {
  const kinds = new Map<string, GrowingKind>()
  const kindOf = (key: string): GrowingKind => {
    const kind = kinds.get(key) ?? { chains: [], parts: [] }
    kinds.set(key, kind)
    return kind
  }
  // most are like one of the last two: then their words need not be made one text
  let last: Met | undefined
  let before: Met | undefined
  for (const chain of chains) {
    const shape = shapeOf(chain, shaping)
    if (!shape) {
      addTo(kindOf(`only ${chain.name}`), chain, [])
      continue
    }
    let met = isLike(last, shape) ? last : isLike(before, shape) ? before : undefined
    met ??= { words: shape.words, kind: kindOf(shape.words.join(' ')) }
    if (met !== last) {
      before = last
      last = met
    }
    addTo(met.kind, chain, shape.parts)
  }
  return [...kinds.values()]
}

/** A kind that was met, and the words of one of its chains. */
interface Met {
  readonly words: Shape['words']
  readonly kind: GrowingKind
}

function addTo({ chains, parts }: GrowingKind, chain: PlannedChain, own: readonly Part[]): void {
  chains.push(chain)
  parts.push(own)
}

function isLike(met: Met | undefined, shape: Shape): met is Met {
  if (!met || met.words.length !== shape.words.length) return false
  for (let at = 0; at < shape.words.length; at++) if (met.words[at] !== shape.words[at]) return false
  return true
}

function shapeOf(chain: PlannedChain, shaping: Shaping): Shape | undefined {
  const writer = new ShapeWriter(shaping)
  return writer.blocks(chain.blocks) ? writer.shape : undefined
}

class ShapeWriter {
  readonly #shaping: Shaping
  readonly #words: Word[] = []
  readonly #parts: Part[] = []
  /** Of each rule and chain, which part it is. */
  readonly #known = new Map<number | string, number>()

  constructor(shaping: Shaping) {
    this.#shaping = shaping
  }

  get shape(): Shape {
    return { words: this.#words, parts: this.#parts }
  }

  /** False where some code is not said by its shape. */
  blocks(blocks: readonly Block[]): boolean {
    for (let at = 0; at < blocks.length; at++) if (!this.#block(blocks[at] as Block)) return false
    return true
  }

  #block(block: Block): boolean {
    this.#words.push(block.kind)
    if (block.kind === 'always') return this.#outcome(block.item)
    if (block.kind === 'split') return this.#sides(block)
    if (block.kind === 'mapped') return this.#trees(block)
    return block.kind === 'tree' && this.#node(block.root)
  }

  #sides({ whole, odd }: Extract<Block, { kind: 'split' }>): boolean {
    if (!this.blocks(whole)) return false
    this.#words.push('odd')
    if (!this.blocks(odd)) return false
    this.#words.push('end')
    return true
  }

  #trees(block: SeparatedBlock): boolean {
    const { items } = block.space
    if (!this.#shaping.shared.blocks.has(block)) return false
    this.#words.push(`${block.trees.length} ${items.every(isFinal) ? 'once' : 'on'}`)
    this.#parts.push({ kind: 'trees', block })
    return answersOf(this.#shaping, items, true).actions.every(({ array, outcome }) => {
      this.#words.push(outcome.kind, array)
      return outcome.kind !== 'past' && (!('chain' in outcome) || this.#call(outcome.chain))
    })
  }

  #node(node: Node): boolean {
    if (node.kind === 'branch') {
      this.#words.push(`${node.field} ${node.at}`)
      return this.#node(node.below) && this.#node(node.above)
    }
    this.#words.push('leaf')
    const { candidates } = node
    for (let at = 0; at < candidates.length; at++) {
      const { item, tests } = candidates[at] as Candidate
      for (let index = 0; index < tests.length; index++) this.#test(tests[index] as LeafTest)
      if (!this.#outcome(item)) return false
    }
    return true
  }

  #test(test: LeafTest): void {
    if (!isValue(test, this.#shaping.family)) {
      this.#asked(test)
      return
    }
    this.#words.push(`${test.field} value`)
    this.#parts.push({ kind: 'value', test })
  }

  #asked(test: LeafTest): void {
    const only = test.kind === 'set' && test.set.length === 1 ? test.set[0] : undefined
    if (test.kind === 'set' && only) this.#words.push(test.field, only.low, only.end)
    else this.#words.push(textOf(test))
  }

  #outcome({ rule, outcome }: Item): boolean {
    this.#words.push(outcome.kind)
    if (outcome.kind === 'hotdrop' || outcome.kind === 'past') return outcome.kind === 'hotdrop'
    this.#part(rule, { kind: 'counter', rule })
    this.#words.push(this.#shaping.place(rule).array.name)
    return !('chain' in outcome) || this.#call(outcome.chain)
  }

  #call(chain: string): boolean {
    const holder = this.#shaping.functionOf(chain)
    this.#words.push(holder ?? 'in place')
    if (holder === undefined) return this.blocks(this.#shaping.chains.get(chain)?.blocks ?? [])
    this.#part(chain, { kind: 'selector', chain })
    return true
  }

  #part(name: number | string, part: Part): void {
    const known = this.#known.get(name)
    this.#words.push(known ?? this.#parts.length)
    if (known !== undefined) return
    this.#known.set(name, this.#parts.length)
    this.#parts.push(part)
  }
}

/** The same for tests that ask the same. */
function textOf(test: LeafTest): string {
  if (test.kind !== 'set')
    return JSON.stringify(test, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
  const { field, set } = test
  const [only] = set
  if (only && set.length === 1) return `${field} ${only.low}-${only.end}`
  return `${field}${set.map(({ low, end }) => ` ${low}-${end}`).join('')}`
}

/** Whether a test asks for one value of 32 bits. */
const isValue = (test: LeafTest, family: Family): test is SetTest =>
  test.kind === 'set' && fieldOf(test.field).bits(family) === 32 && isSingle(test.set)

/** Where the code of chains that are alike finds its numbers, by what it has of the first chain. */
export interface Row {
  readonly place: DataPlace
  /** Bytes. */
  readonly size: number
  /** Byte offsets in a row of what differs. */
  readonly counters: ReadonlyMap<number, number>
  readonly values: ReadonlyMap<LeafTest, number>
  readonly selectors: ReadonlyMap<string, number>
  readonly trees: ReadonlyMap<Block, number>
  /** From how many rules packets go on in such trees, at most. */
  readonly goingOn: ReadonlyMap<Block, number>
}

/** The rows of chains that are alike, given to the program as data. */
export function rowsOf({ parts }: Kind, frame: Frame): Row {
  const numbers = parts.map(own => own.map(part => numberOf(part, frame)))
  const [first = [], ...others] = numbers
  const columns = first.flatMap((number, at) => (others.some(own => own[at] !== number) ? [at] : []))
  const values = new Uint32Array(numbers.length * columns.length)
  let next = 0
  for (const own of numbers)
    for (let column = 0; column < columns.length; column++)
      values[next++] = own[columns[column] as number] ?? 0
  const offsets = new Map(columns.map((at, column) => [parts[0]?.[at], 4 * column]))
  const place = frame.rows(new Uint8Array(values.buffer))
  return { place, size: 4 * columns.length, ...byWhat(offsets), goingOn: goingOnIn(parts) }
}

function numberOf(part: Part, frame: Frame): number {
  if (part.kind === 'counter') return frame.place(part.rule).index
  if (part.kind === 'value') return Number(part.test.set[0]?.low ?? 0)
  if (part.kind === 'selector') return frame.entryOf(part.chain)?.selector ?? 0
  return frame.sharedWalk?.place(part.block, answersOf(frame, part.block.space.items, true)) ?? 0
}

/** From how many rules of trees packets go on. */
export const goingOnFrom = ({ space: { items } }: SeparatedBlock): number =>
  items.filter(item => !isFinal(item)).length

/** By the trees of the first of the chains. */
function goingOnIn([first = [], ...others]: Kind['parts']): Row['goingOn'] {
  const goingOn = new Map<Block, number>()
  for (const [at, part] of first.entries()) {
    if (part.kind !== 'trees') continue
    const alike = others.flatMap(own => {
      const other = own[at]
      return other?.kind === 'trees' ? [other.block] : []
    })
    goingOn.set(part.block, Math.max(...[part.block, ...alike].map(goingOnFrom)))
  }
  return goingOn
}

function byWhat(
  offsets: ReadonlyMap<Part | undefined, number>,
): Pick<Row, 'counters' | 'values' | 'selectors' | 'trees'> {
  const counters = new Map<number, number>()
  const values = new Map<LeafTest, number>()
  const selectors = new Map<string, number>()
  const trees = new Map<Block, number>()
  for (const [part, offset] of offsets)
    if (part?.kind === 'counter') counters.set(part.rule, offset)
    else if (part?.kind === 'value') values.set(part.test, offset)
    else if (part?.kind === 'selector') selectors.set(part.chain, offset)
    else if (part) trees.set(part.block, offset)
  return { counters, values, selectors, trees }
}

/** r8 = how far the row is of the selector in r2, for chains with selectors from `first` on; goes to `none` for others. */
export function emitRow(
  { assembler }: Frame,
  { size }: Row,
  { first, count, none }: { readonly first: number; readonly count: number; readonly none: Label },
): void {
  assembler.emit(
    mov(r8, r2),
    subImmediate(r8, first),
    jumpIf('>=', r8, immediate(count), none),
    mulImmediate(r8, size),
  )
}

/** dst = the number at an offset of the row. */
export const loadFromRow = (dst: Register, { place: { map, offset } }: Row, at: number): Instruction[] => [
  loadMapValue(dst, map, offset + at),
  add(dst, r8),
  load('u32', dst, dst, 0),
]

/** dst = what a row has there, or the number where it is the same in all. */
export const numberIn = (
  dst: Register,
  row: Row | undefined,
  at: number | undefined,
  number: number,
): readonly Instruction[] =>
  row && at !== undefined ? loadFromRow(dst, row, at) : [movImmediate(dst, number)]
