import type { Family, Rule, Ruleset, Span } from 'iptables-parser'
import type { Counted, CounterLayout } from './counter.ts'
import type { Lane } from './lane.ts'
import type { ProgramSpec } from './program.ts'

export interface TranslateOptions {
  /** The lanes to make programs for; a lane whose family has no rule set gets none. */
  readonly lanes: readonly Lane[]
  readonly counters: CounterLayout
}

/** A rule that no program of the chosen hooks can hold. */
export interface Refusal {
  readonly lane: Lane
  readonly rule: Counted
  /** The option that is the cause, where the rule was read from a text. */
  readonly span?: Span
  readonly reason: string
  readonly hint?: string
}

export interface LaneProgram {
  readonly lane: Lane
  readonly spec: ProgramSpec
}

/** What came of a translation. Programs are there only when nothing was refused. */
export type Translation =
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | {
      readonly kind: 'translated'
      readonly programs: readonly LaneProgram[]
      readonly rules: readonly Counted[]
    }

export type { Family, Rule, Ruleset }
