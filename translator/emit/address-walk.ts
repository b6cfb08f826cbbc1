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
export const DEVICE = -64
export const TABLE = -72
export const FIRST_HOP = -80

/** What each turn of the loop does. */
export const steps = ['table', 'down', 'prefix', 'back', 'route', 'hop', 'member'] as const
export type Step = (typeof steps)[number]

export interface Walk {
  readonly assembler: Assembler
  /** The loop goes on with a step. */
  go(step: Step): void
  /** Where to go on with the step that is set. */
  readonly next: Label
  /** Ends with the type of the route, if its first next hop is by the device. */
  readonly found: Label
  /** Ends with the type in r0. */
  readonly done: Label
  /** Ends: no route but one that says nothing. */
  readonly unicast: Label
}
