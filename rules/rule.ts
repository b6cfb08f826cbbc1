import type { Counters } from './counters.ts'
import type { Match, Target } from './registry.ts'
import type { Located } from './span.ts'
import type { Term } from './term.ts'
import type { AddressMask } from './value/address.ts'
import type { InterfacePattern } from './value/interface.ts'

/** One rule. A field that is left out asks nothing of the packet. */
export interface Rule extends Located {
  /** Protocol number, never 0. */
  readonly protocol?: Term<number>
  readonly source?: Term<AddressMask>
  readonly destination?: Term<AddressMask>
  readonly inInterface?: Term<InterfacePattern>
  readonly outInterface?: Term<InterfacePattern>
  /** -f: second and further fragments of a datagram; IPv4 only. */
  readonly fragment?: Term<true>
  /** All must match; they are asked in this order. */
  readonly matches: readonly Match[]
  /** Without one a rule only counts. */
  readonly target?: Target
  /** As written; a live rule set keeps its counters elsewhere. */
  readonly counters?: Counters
  /** Lines `# …` that stood before it, where they were asked for. */
  readonly remarks?: readonly string[]
}
