// What one match or target extension is: its options, its typed value, how that prints, and what it means.

import type { Family } from './family.ts'
import type { GivenOptions, OptionTable, OptionUse, ValueContext } from './option.ts'
import type { Packet } from './packet.ts'
import type { Match } from './registry.ts'
import type { Located } from './span.ts'

export type TableName = 'filter' | 'nat' | 'mangle' | 'raw' | 'security'

/** All that an extension may look at while it builds its value. */
export interface BuildContext extends ValueContext {
  /** The protocol the rule must not have, where it names one so. */
  readonly negatedProtocol?: number
  /** All uses in the order given. */
  readonly uses: readonly OptionUse[]
}

export interface PrintContext {
  readonly family: Family
}

/** What a listing (iptables -L) depends on. */
export interface ListContext extends PrintContext {
  /** -n: numbers where names would stand otherwise. */
  readonly numeric: boolean
  /** The rule's protocol number, whether negated or not. */
  readonly protocol?: number
}

/** Where an extension may stand. What is left out is not restricted. */
export interface Placement {
  readonly families?: readonly Family[]
  readonly tables?: readonly TableName[]
  /** Base chains from which alone it may be reached. */
  readonly chains?: readonly string[]
  /** Protocol numbers of which the rule must name one, not negated; `any`: no matter which. */
  readonly protocols?: readonly number[] | 'any'
}

interface Extension<V, O extends OptionTable> extends Placement {
  /** As it stands after -m or -j, and as iptables-save prints it. */
  readonly name: string
  /** Other names -m or -j take for it. */
  readonly aliases?: readonly string[]
  readonly options: O
  /** At least one of these options must be given. */
  readonly requiresOneOf?: readonly (keyof O & string)[]
  /** Where it may stand with this value, if more narrowly than with others. */
  placementOf?(value: V): Placement
  /** Builds the value; throws RuleError('ERR_VALUE' | 'ERR_OPTION') for what the option table cannot say. */
  build(given: GivenOptions<O>, context: BuildContext): V
  /** The options as iptables-save prints them, each with a blank before it; '' when there are none. */
  print(value: V, context: PrintContext): string
  /** As iptables -L shows it, with a blank before it. Left out: a match shows its name alone, a target nothing. */
  list?(value: V, context: ListContext): string
}

/**
 * What matching yields. `hotdrop`: the packet is malformed for this match; the kernel drops it there and then, uncounted.
 * `counted hotdrop`: so it is, but the match holds, since what gave up was negated; the rule counts the packet before the drop.
 */
export type MatchResult = boolean | 'hotdrop' | 'counted hotdrop'

export interface MatchExtension<M extends { kind: string }, O extends OptionTable = OptionTable>
  extends Extension<M, O> {
  readonly name: M['kind']
  /** The meaning, where a packet's bytes and what travels with it decide it. */
  evaluate?(match: M, packet: Packet): MatchResult
}

export interface TargetExtension<T extends { kind: string }, O extends OptionTable = OptionTable>
  extends Extension<T, O> {
  readonly name: T['kind']
  /** The target iptables -L calls it, where that is another. */
  readonly listedAs?: string
  /** Throws RuleError('ERR_OPTION') where it cannot stand behind a rule's matches, whatever its own options. */
  checkMatches?(matches: readonly Match[]): void
  /** What evaluation yields: a verdict, or `continue` where the next rule is looked at. Left out: the target does more than decide. */
  readonly verdict?: 'accept' | 'drop' | 'return' | 'continue'
  /** The packet as the rules behind see it. Left out: they see it as this one did. */
  apply?(target: T, packet: Packet): Packet
}

/** Declares a match; the options' types flow into `build`. */
export const defineMatch =
  <M extends { kind: string }>() =>
  <const O extends OptionTable>(extension: MatchExtension<M, O>): MatchExtension<M & Located> =>
    extension as unknown as MatchExtension<M & Located>

/** Declares a target; the options' types flow into `build`. */
export const defineTarget =
  <T extends { kind: string }>() =>
  <const O extends OptionTable>(extension: TargetExtension<T, O>): TargetExtension<T & Located> =>
    extension as unknown as TargetExtension<T & Located>
