import type { Family } from 'iptables-parser'
import type { Assembler } from '../asm/assembler.ts'
import type { Label } from '../asm/label.ts'
import type { Needs } from '../emit/needs.ts'
import type { RecordLayout } from '../emit/record.ts'
import type { FirstTable } from '../lane.ts'
import type { MapSpec } from '../program.ts'

/** What a prologue is to do for a family. */
export interface PrologueRequest extends Needs {
  readonly family: Family
  /** No program at nf-input judges what this one leaves, so it judges packets of every device. */
  readonly standalone: boolean
  /** The program drops early what this table would drop, and leaves all else to netfilter. */
  readonly early?: FirstTable
  /** Of the whole program. */
  readonly record: RecordLayout
  /** Where to go with the record filled. */
  readonly ready: Label
}

/** What a program leaves in r0. */
export interface Verdicts {
  readonly accept: number
  readonly drop: number
}

/** Ways out of a prologue but for going on. */
export interface Ways {
  /** What the hook passes on untouched. */
  readonly pass: Label
  /** What the kernel would not let get this far. */
  readonly refuse: Label
}

/** How programs at a hook begin and end. */
export interface HookFrame {
  readonly verdicts: Verdicts
  /** Maps that the prologue reads. */
  readonly maps: readonly MapSpec[]
  /** Emits the code that fills the record and leaves r6 pointing to it. */
  prologue(assembler: Assembler, requests: readonly PrologueRequest[], ways: Ways): void
  /** Emits what is done before a packet is refused that the rules drop: it may still be passed on. */
  confirm?(assembler: Assembler, request: PrologueRequest, ways: Ways): void
}
