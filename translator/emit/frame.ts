import type { Family } from 'iptables-parser'
import type { Assembler } from '../asm/assembler.ts'
import type { Label } from '../asm/label.ts'
import type { KeptTrees, PartedBlock, SeparatedBlock } from '../chain.ts'
import type { CounterPlace } from '../counter.ts'
import type { FunctionSpec } from '../program.ts'
import type { Dispatch } from '../tree/dispatch.ts'
import type { Entries } from '../tree/hash-table.ts'
import type { TreeLayout, TreeMap } from '../tree/map.ts'
import type { Entry, Row } from './alike.ts'
import type { Action } from './answer.ts'
import type { Data, Value } from './data.ts'
import type { Actions } from './dispatch.ts'
import type { KeyLayout } from './key.ts'
import type { LookUpName } from './look-up.ts'
import type { Probe } from './parted.ts'
import type { RecordLayout } from './record.ts'
import type { SharedWalk } from './shared-walk.ts'

/** What is looked up, and where. */
export interface LookUpUse extends LookUpName {
  readonly dispatch: Dispatch
  /** What its values can say. */
  readonly actions: Actions
}

/** What a map of trees is walked for. */
export interface TreesUse {
  readonly block: SeparatedBlock | KeptTrees
  readonly layout: TreeLayout
  readonly actions: readonly Action[]
}

/** What the code of all functions of a program for a family is emitted with. */
export interface Shared {
  readonly family: Family
  readonly record: RecordLayout
  /** Where the rule of an index counts. */
  place(rule: number): CounterPlace
  /** The slot of a rule, whether or not the program counts in it. */
  slotOf(rule: number): number
  /** Where a match counts its packets, in bytes (nth.ts). */
  nth(match: string): number
  /** The trees of a block as a map holds them: written, where they were not for another program. */
  treesOf(block: SeparatedBlock, write: () => TreeMap): TreeMap
  /** Where in the record a block that rules part has its rank. */
  rankOf(block: PartedBlock): number
  /** Where the program will have rows of numbers. */
  readonly rows: Data['place']
  /** How trees are walked that stand in one map with others. */
  readonly sharedWalk: SharedWalk | undefined
  /** Where the program looks something up; what the maps hold for that, by keys as they are there, is made once. */
  lookUp(use: Pick<LookUpUse, 'dispatch' | 'actions'>, entriesFor: (layout: KeyLayout) => Entries): LookUpName
  /** The function of look-ups that share maps. */
  lookUpFunction(found: LookUpName): string
  /** The name of a map that the program gets for trees, which are its one value, addressed directly. */
  data(value: Value, use: TreesUse): string
}

/** And that of one function. */
export interface Frame extends Shared {
  readonly assembler: Assembler
  /** How the function ends with each outcome; made when first used, and emitted once at its end. */
  ending(ending: Ending): Label
  /** Where packets go that are past a block that is overlaid (see chain.ts). */
  readonly past?: Label
  /** What is met is not done, but asked for (see parted.ts). */
  readonly probe?: Probe
  /** Where the code of chains that are alike finds what differs. */
  readonly row?: Row
  /** Emits how a packet is counted that goes on; the index is in r1. Destroys r0 to r5. */
  countOn(array: string): void
  /** The function that a chain is called in; none where it stands in place. */
  entryOf(chain: string): Entry | undefined
  /** The name of a function that the program gets of what was emitted; different ones with the same prefix are numbered. */
  subprogram(prefix: string, parameters: FunctionSpec['parameters'], assembler: Assembler): string
  /** Emits the body of a chain that has no function, going to `done` where it returns. */
  inline(chain: string, done: Label): void
}

/** Ways out of a function. Those that count take the index of the counter in r1. */
export type Ending =
  | { readonly kind: 'accept' | 'drop' | 'return'; readonly count?: undefined }
  /** Count in the array, then do so. */
  | { readonly kind: 'accept' | 'drop' | 'return'; readonly count: string }

/** What the function of a chain yields in r0. */
export const chainResult = { return: 0, accept: 1, drop: 2 } as const
