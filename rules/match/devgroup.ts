import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, listTerm, printTerm, type Term } from '../term.ts'
import { type MaskedMark, markMatches, parseMark, printMark } from '../value/mark.ts'

export interface DevgroupMatch {
  readonly kind: 'devgroup'
  /** Group of the input device. */
  readonly source?: Term<MaskedMark>
  /** Group of the output device. */
  readonly destination?: Term<MaskedMark>
}

/** The one group name that every iproute2 knows; others are the machine's own. */
const DEFAULT = 'default'
const ALL: MaskedMark = parseMark('0')

const group = option(text => (text === DEFAULT ? ALL : parseMark(text, 'device group')), { negatable: true })

export const devgroup = defineMatch<DevgroupMatch>()({
  name: 'devgroup',
  options: { 'src-group': group, 'dst-group': group },
  requiresOneOf: ['src-group', 'dst-group'],
  build: given => ({
    kind: 'devgroup',
    ...defined({ source: asTerm(given['src-group']), destination: asTerm(given['dst-group']) }),
  }),
  placementOf: ({ source, destination }) => ({
    chains: [
      ...(destination ? [] : ['PREROUTING', 'INPUT']),
      'FORWARD',
      ...(source ? [] : ['OUTPUT', 'POSTROUTING']),
    ],
  }),
  print: match =>
    printTerm('src-group', match.source, printGroup) + printTerm('dst-group', match.destination, printGroup),
  list: ({ source, destination }, { numeric }) =>
    listTerm('src-group', source, numeric ? printMark : printGroup) +
    listTerm('dst-group', destination, numeric ? printMark : printGroup),
  evaluate: (match, { inGroup = 0, outGroup = 0 }) =>
    agrees(match.source, mark => markMatches(mark, inGroup)) &&
    agrees(match.destination, mark => markMatches(mark, outGroup)),
})

const printGroup = (mark: MaskedMark): string =>
  mark.value === ALL.value && mark.mask === ALL.mask ? DEFAULT : printMark(mark)
