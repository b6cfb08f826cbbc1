// The walk along the kernel's routes that address-type.ts describes: where it keeps what it needs, and how its steps go on.

import type { Assembler } from '../asm/assembler.ts'
import type { Label } from '../asm/label.ts'

export const ITERATOR = -8
export const STEP = -16
export const ROUTE = -24
export const TYPE = -32
export const HOP = -40
export const HOPS = -48
export const NEXT_HOP = -56

/** What each turn of the loop does. */
export const steps = ['table', 'down', 'prefix', 'back', 'route', 'hop', 'member'] as const
export type Step = (typeof steps)[number]

/** RT_TABLE_LOCAL. Where there are policy rules, tables are kept in lists by the lowest 8 bits of their number. */
export const TABLE_LOCAL = 255

export interface Walk {
  readonly assembler: Assembler
  /** The loop goes on with a step. */
  go(step: Step): void
  /** Where to go on with the step that is set. */
  readonly next: Label
  /** Ends with the type in r0. */
  readonly done: Label
  /** Ends: no route but one that says nothing. */
  readonly unicast: Label
}
