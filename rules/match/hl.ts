import { defineMatch } from '../extension.ts'
import {
  type HopComparison,
  hopComparison,
  hopOption,
  hopsCompare,
  listHopComparison,
  printHopComparison,
} from '../value/hop-comparison.ts'

/** How the hop limit of a packet must compare to a number. */
export interface HlMatch extends HopComparison {
  readonly kind: 'hl'
}

export const hl = defineMatch<HlMatch>()({
  name: 'hl',
  families: [6],
  options: {
    'hl-eq': hopOption('hop limit', { excludes: ['hl-lt', 'hl-gt'], negatable: true, aliases: ['hl'] }),
    'hl-lt': hopOption('hop limit', { excludes: ['hl-eq', 'hl-gt'] }),
    'hl-gt': hopOption('hop limit', { excludes: ['hl-eq', 'hl-lt'] }),
  },
  requiresOneOf: ['hl-eq', 'hl-lt', 'hl-gt'],
  build: given => ({ kind: 'hl', ...hopComparison(given['hl-eq'], given['hl-lt'], given['hl-gt']) }),
  print: match => printHopComparison('hl', match),
  list: match => listHopComparison('HL', match),
  evaluate: (match, { bytes }) => hopsCompare(match, bytes[7] ?? 0),
})
