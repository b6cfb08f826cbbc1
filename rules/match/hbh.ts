import { defineMatch } from '../extension.ts'
import { extension } from '../packet/ipv6.ts'
import {
  headerLength,
  headerOptions,
  listOptionHeader,
  type OptionHeader,
  optionHeader,
  optionHeaderMatches,
  printOptionHeader,
} from '../value/option-list.ts'

/** The hop-by-hop options header of an IPv6 packet, which must have one. */
export interface HbhMatch extends OptionHeader {
  readonly kind: 'hbh'
}

export const hbh = defineMatch<HbhMatch>()({
  name: 'hbh',
  families: [6],
  options: { 'hbh-len': headerLength, 'hbh-opts': headerOptions },
  build: given => ({ kind: 'hbh', ...optionHeader(given['hbh-len'], given['hbh-opts']) }),
  print: match => printOptionHeader('hbh', match),
  list: match => listOptionHeader('hbh', match),
  evaluate: (match, packet) => optionHeaderMatches(match, packet, extension.hopByHop),
})
