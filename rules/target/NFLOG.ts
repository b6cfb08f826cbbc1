import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { listValue, printValue } from '../term.ts'
import { parsePrefix } from '../value/log.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { quote } from '../value/quote.ts'

/** Hands packets to a program that listens on a netlink group. */
export interface NflogTarget {
  readonly kind: 'NFLOG'
  readonly group: number
  readonly prefix?: string
  /** Bytes of each packet to copy; absent: all. */
  readonly size?: number
  /** As `size`, but without effect in any kernel. */
  readonly range?: number
  /** Packets the kernel collects before it hands them over; absent: one. */
  readonly threshold?: number
}

/** The kernel's field, without its NUL. */
const PREFIX_LENGTH = 63
const number = (bits: number, excludes: readonly string[] = []) =>
  option(text => parseNumber(text, 0, maximum(bits), 'number'), { excludes })
const unlessZero = (given: { readonly value: number } | undefined): number | undefined =>
  given?.value || undefined

export const NFLOG = defineTarget<NflogTarget>()({
  name: 'NFLOG',
  options: {
    'nflog-group': number(16),
    'nflog-prefix': option(text => parsePrefix(text, PREFIX_LENGTH)),
    'nflog-range': number(32, ['nflog-size']),
    'nflog-size': number(32, ['nflog-range']),
    'nflog-threshold': number(16),
  },
  verdict: 'continue',
  build: given => ({
    kind: 'NFLOG',
    group: given['nflog-group']?.value ?? 0,
    ...defined({
      prefix: given['nflog-prefix']?.value,
      size: given['nflog-size']?.value,
      range: unlessZero(given['nflog-range']),
      threshold: unlessZero(given['nflog-threshold']),
    }),
  }),
  print: target =>
    printValue('nflog-prefix', target.prefix, quote) +
    printValue('nflog-group', target.group === 0 ? undefined : target.group) +
    printValue('nflog-size', target.size) +
    printValue('nflog-range', target.range) +
    printValue('nflog-threshold', target.threshold),
  list: target =>
    listValue('nflog-prefix', target.prefix, quote) +
    listValue('nflog-group', target.group === 0 ? undefined : target.group) +
    listValue('nflog-size', target.size) +
    listValue('nflog-range', target.range) +
    listValue('nflog-threshold', target.threshold),
})
