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

/** The first destination options header of an IPv6 packet, which must have one. */
export interface DstMatch extends OptionHeader {
  readonly kind: 'dst'
}

export const dst = defineMatch<DstMatch>()({
  name: 'dst',
  families: [6],
  options: { 'dst-len': headerLength, 'dst-opts': headerOptions },
  build: given => ({ kind: 'dst', ...optionHeader(given['dst-len'], given['dst-opts']) }),
  print: match => printOptionHeader('dst', match),
  list: match => listOptionHeader('dst', match),
  evaluate: (match, packet) => optionHeaderMatches(match, packet, extension.destination),
})
