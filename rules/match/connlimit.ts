import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import { addressBits } from '../value/address.ts'
import { parsePrefixLength } from '../value/address-prefix.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** How many connections there are from, or to, the addresses that share the first bits with the packet's. */
export interface ConnlimitMatch {
  readonly kind: 'connlimit'
  readonly count: number
  /** `upto`: there are at most `count`; `above`: there are more. */
  readonly comparison: 'upto' | 'above'
  /** Bits of the address that hosts are grouped by. */
  readonly length: number
  readonly address: 'source' | 'destination'
}

const count = (excludes: string) =>
  option(text => parseNumber(text, 0, maximum(32), 'number of connections'), {
    negatable: true,
    excludes: [excludes],
  })

export const connlimit = defineMatch<ConnlimitMatch>()({
  name: 'connlimit',
  options: {
    'connlimit-upto': count('connlimit-above'),
    'connlimit-above': count('connlimit-upto'),
    'connlimit-mask': option((text, { family }) => parsePrefixLength(text, family)),
    'connlimit-saddr': flag({ excludes: ['connlimit-daddr'] }),
    'connlimit-daddr': flag({ excludes: ['connlimit-saddr'] }),
  },
  requiresOneOf: ['connlimit-upto', 'connlimit-above'],
  build(given, { family }) {
    const [upto, above] = [given['connlimit-upto'], given['connlimit-above']]
    const isAbove = above ? !above.negated : upto?.negated === true
    return {
      kind: 'connlimit',
      count: (above ?? upto)?.value ?? 0,
      comparison: isAbove ? 'above' : 'upto',
      length: given['connlimit-mask']?.value ?? addressBits(family),
      address: given['connlimit-daddr'] ? 'destination' : 'source',
    }
  },
  print: ({ comparison, count: limit, length, address }) =>
    ` --connlimit-${comparison} ${limit} --connlimit-mask ${length} --connlimit-${address === 'source' ? 's' : 'd'}addr`,
  list: ({ comparison, count: limit, length, address }) =>
    ` #conn ${address === 'source' ? 'src' : 'dst'}/${length} ${comparison === 'upto' ? '<=' : '>'} ${limit}`,
})
