import { defineMatch } from '../extension.ts'
import {
  type HopComparison,
  hopComparison,
  hopOption,
  hopsCompare,
  listHopComparison,
  printHopComparison,
} from '../value/hop-comparison.ts'

/** How the time to live of a packet must compare to a number. */
export interface TtlMatch extends HopComparison {
  readonly kind: 'ttl'
}

export const ttl = defineMatch<TtlMatch>()({
  name: 'ttl',
  families: [4],
  options: {
    'ttl-eq': hopOption('TTL', { excludes: ['ttl-lt', 'ttl-gt'], negatable: true, aliases: ['ttl'] }),
    'ttl-lt': hopOption('TTL', { excludes: ['ttl-eq', 'ttl-gt'] }),
    'ttl-gt': hopOption('TTL', { excludes: ['ttl-eq', 'ttl-lt'] }),
  },
  requiresOneOf: ['ttl-eq', 'ttl-lt', 'ttl-gt'],
  build: given => ({ kind: 'ttl', ...hopComparison(given['ttl-eq'], given['ttl-lt'], given['ttl-gt']) }),
  print: match => printHopComparison('ttl', match),
  list: match => listHopComparison('TTL', match),
  evaluate: (match, { bytes }) => hopsCompare(match, bytes[8] ?? 0),
})
