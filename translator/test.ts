// What a rule asks of a packet, in the terms of fields: the common language between matches and decision trees.

import type { Family } from 'iptables-parser'
import { domain, type FieldName } from './field.ts'
import { complement, type IntervalSet } from './tree/interval.ts'

/** The field's value lies in the set. */
export interface SetTest {
  readonly kind: 'set'
  readonly field: FieldName
  readonly set: IntervalSet
}

/** `(field & mask) == value`, or not. For masks that are no prefix, and for flags. */
export interface MaskTest {
  readonly kind: 'mask'
  readonly field: FieldName
  readonly mask: number | bigint
  readonly value: number | bigint
  readonly negated: boolean
}

/** At least one of them holds. */
export interface AnyTest {
  readonly kind: 'any'
  readonly tests: readonly (SetTest | MaskTest)[]
}

/** Nothing satisfies it. */
export interface NeverTest {
  readonly kind: 'never'
}

/** So many draws of 2^31 hold, or do not. */
export interface ChanceTest {
  readonly kind: 'chance'
  readonly probability: number
  readonly negated: boolean
}

/** One packet of so many that come to the question, or all others. */
export interface NthStep {
  readonly kind: 'nth'
  readonly every: number
  /** Packets that are taken to have come before. */
  readonly start: number
  readonly negated: boolean
}

/** The same in a rule, which makes it the match that is counted by. */
export interface NthTest extends NthStep {
  readonly match: string
}

/** The socket's control group is the one of a path, or lies below it, or neither; a packet without a socket fails. */
export interface CgroupTest {
  readonly kind: 'cgroup'
  readonly path: string
  readonly negated: boolean
}

/** The group of the process that sent the packet, or one of its further groups, lies in a range, or none does. */
export interface GroupTest {
  readonly kind: 'group'
  readonly low: number
  readonly high: number
  readonly negated: boolean
}

/** What is left to ask of a packet that a tree has led to a rule. */
export type LeafTest = SetTest | MaskTest | AnyTest | CgroupTest | GroupTest | ChanceTest | NthTest

/**
 * Whether asking twice is not asking once: it changes what the next packet is told, or is answered anew. Such a test is asked of the packets that the
 * kernel would ask it of, once each and in the order of the rules.
 */
export const isOnce = ({ kind }: { readonly kind: Step['kind'] }): boolean =>
  kind === 'chance' || kind === 'nth'

export type Test = SetTest | MaskTest | AnyTest | NeverTest | CgroupTest | GroupTest | ChanceTest | NthStep

/**
 * One step of asking whether a rule matches. Steps are asked in the kernel's order, because where a packet is too short for a step
 * that looks into it, the kernel drops it there (`hotdrop`) if all steps before held.
 */
export type Step = Test | HotdropStep | CountedHotdropStep

export interface HotdropStep {
  readonly kind: 'hotdrop'
  readonly when: SetTest
}

/**
 * What finds the packet malformed is negated, and so holds: what stands behind it in the rule is still asked. Where that holds too, the rule
 * counts the packet; it is dropped in any case.
 */
export interface CountedHotdropStep {
  readonly kind: 'counted hotdrop'
  readonly when: SetTest
}

export const setTest = (field: FieldName, set: IntervalSet): SetTest => ({ kind: 'set', field, set })

/** The set, or all but the set. */
export const setTerm = (field: FieldName, family: Family, set: IntervalSet, negated: boolean): SetTest =>
  setTest(field, negated ? complement(set, domain(field, family)) : set)
