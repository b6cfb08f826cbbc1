import { defineMatch } from '../extension.ts'
import { flag } from '../option.ts'

/** A reply to the packet would leave by the device it came in by. */
export interface RpfilterMatch {
  readonly kind: 'rpfilter'
  /** Any device will do. */
  readonly loose: boolean
  /** The packet's mark takes part in routing the reply. */
  readonly validMark: boolean
  /** Packets from an address of this machine match too. */
  readonly acceptLocal: boolean
  readonly invert: boolean
}

export const rpfilter = defineMatch<RpfilterMatch>()({
  name: 'rpfilter',
  tables: ['mangle', 'raw'],
  chains: ['PREROUTING'],
  options: { loose: flag(), validmark: flag(), 'accept-local': flag(), invert: flag() },
  build: given => ({
    kind: 'rpfilter',
    loose: given.loose !== undefined,
    validMark: given.validmark !== undefined,
    acceptLocal: given['accept-local'] !== undefined,
    invert: given.invert !== undefined,
  }),
  print: match =>
    (match.loose ? ' --loose' : '') +
    (match.validMark ? ' --validmark' : '') +
    (match.acceptLocal ? ' --accept-local' : '') +
    (match.invert ? ' --invert' : ''),
  list: match =>
    ' rpfilter' +
    (match.loose ? ' loose' : '') +
    (match.validMark ? ' validmark' : '') +
    (match.acceptLocal ? ' accept-local' : '') +
    (match.invert ? ' invert' : ''),
})
