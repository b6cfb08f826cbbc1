// What is measured: a rule set, and packets for it.

import type { Family } from 'iptables-parser'
import type { Flow } from './frame.ts'
import type { Course } from './network.ts'

/** Packets of one kind. `last` hits the last rule, `spread` rules from the first to the last, `random` mostly none. */
export interface Traffic {
  readonly kind: 'last' | 'spread' | 'random'
  readonly flows: readonly Flow[]
}

export interface Workload {
  readonly family: Family
  /** The base chain that the packets meet. */
  readonly course: Course
  readonly rules: number
  /** As iptables-save writes it, one table `filter`. */
  readonly text: string
  readonly traffic: readonly Traffic[]
  /** The same verdicts from a set or map that a person would write for nft, where there is such a thing. */
  readonly nft?: string
}

/** A family of workloads, by size. */
export interface Series {
  readonly title: string
  /** Sizes of a run that asks for none. */
  readonly sizes: readonly number[]
  readonly make: (size: number, seed: number) => Workload
}

/** `count` numbers from 0 to below `limit`, evenly spread, with both ends. */
export const spread = (limit: number, count: number): number[] =>
  limit <= count
    ? Array.from({ length: limit }, (_, index) => index)
    : Array.from({ length: count }, (_, index) => Math.round((index * (limit - 1)) / (count - 1)))

/** A filter table of one chain's rules. */
export const filterTable = (course: Course, policy: 'ACCEPT' | 'DROP', rules: readonly string[]): string =>
  [
    '*filter',
    ...(['INPUT', 'FORWARD', 'OUTPUT'] as const).map(
      chain => `:${chain} ${chain === course ? policy : 'ACCEPT'} [0:0]`,
    ),
    ...rules,
    'COMMIT',
    '',
  ].join('\n')
