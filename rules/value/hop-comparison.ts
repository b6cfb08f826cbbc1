// What the matches ttl and hl ask of the byte that counts hops down.

import { type OptionSpec, option } from '../option.ts'
import type { Term } from '../term.ts'
import { maximum, parseNumber } from './number.ts'

export interface HopComparison {
  readonly comparison: 'eq' | 'ne' | 'lt' | 'gt'
  readonly value: number
}

interface HopTraits {
  readonly excludes: readonly string[]
  readonly negatable?: boolean
  readonly aliases?: readonly string[]
}

export const hopOption = (what: string, traits: HopTraits): OptionSpec<number> =>
  option(text => parseNumber(text, 0, maximum(8), what), traits)

/** From the one of three options that was given; `eq` alone can be negated. */
export function hopComparison(
  eq: Term<number> | undefined,
  lt: Term<number> | undefined,
  gt: Term<number> | undefined,
): HopComparison {
  if (lt) return { comparison: 'lt', value: lt.value }
  if (gt) return { comparison: 'gt', value: gt.value }
  return { comparison: eq?.negated ? 'ne' : 'eq', value: eq?.value ?? 0 }
}

export const printHopComparison = (name: string, { comparison, value }: HopComparison): string =>
  comparison === 'ne' ? ` ! --${name}-eq ${value}` : ` --${name}-${comparison} ${value}`

export function hopsCompare({ comparison, value }: HopComparison, hops: number): boolean {
  if (comparison === 'lt') return hops < value
  if (comparison === 'gt') return hops > value
  return (hops === value) === (comparison === 'eq')
}

const SIGNS = { eq: '==', ne: '!=', lt: '<', gt: '>' } as const

/** ` TTL match TTL == 64` */
export const listHopComparison = (name: string, { comparison, value }: HopComparison): string =>
  ` ${name} match ${name} ${SIGNS[comparison]} ${value}`
