// What a rule's arguments gave, before values are read: a value may depend on an option that comes later.

import type { CoreName } from './command-option.ts'
import type { Counters } from './counters.ts'
import type { TableName } from './extension.ts'
import type { Family } from './family.ts'
import type { OptionSpec } from './option.ts'
import type { AnyMatchExtension, AnyTargetExtension } from './registry.ts'
import type { Span } from './span.ts'
import type { Term } from './term.ts'
import type { UnknownMatch, UnknownTarget } from './unknown.ts'
import type { InterfacePattern } from './value/interface.ts'

export interface RuleContext {
  readonly family: Family
  readonly table: TableName
  readonly chain: string
}

/** An option of the rule itself, as given: the value still as text. */
export interface CoreUse {
  readonly text: string
  readonly negated: boolean
  readonly span: Span
}

/** One -m, or the extension of -j, and what was given of its options, as text. */
export interface ExtensionUse<E> {
  readonly extension: E
  span: Span
  readonly uses: RawUse[]
}

export interface RawUse {
  readonly name: string
  readonly spec: OptionSpec<unknown>
  readonly words: readonly string[]
  readonly negated: boolean
  readonly span: Span
}

/** One rule as given. */
export interface Draft {
  readonly family: Family
  readonly span: Span
  /** As text; what follows are values of it. */
  readonly core: { [K in CoreName]?: CoreUse }
  protocol?: Term<number>
  inInterface?: Term<InterfacePattern>
  outInterface?: Term<InterfacePattern>
  readonly matches: (ExtensionUse<AnyMatchExtension> | UnknownMatch)[]
  target?: ExtensionUse<AnyTargetExtension> | UnknownTarget
  counters?: Counters
}
