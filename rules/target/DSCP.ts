import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { withTypeOfService } from '../packet/change.ts'
import { parseDscp, parseDscpClass, printDscp } from '../value/dscp.ts'

/** Sets the upper six bits of the type-of-service byte, or of the traffic class. */
export interface DscpTarget {
  readonly kind: 'DSCP'
  readonly dscp: number
}

export const DSCP = defineTarget<DscpTarget>()({
  name: 'DSCP',
  tables: ['mangle'],
  options: {
    'set-dscp': option(parseDscp, { excludes: ['set-dscp-class'] }),
    'set-dscp-class': option(parseDscpClass, { excludes: ['set-dscp'] }),
  },
  requiresOneOf: ['set-dscp', 'set-dscp-class'],
  verdict: 'continue',
  build: given => ({ kind: 'DSCP', dscp: (given['set-dscp'] ?? given['set-dscp-class'])?.value ?? 0 }),
  apply: ({ dscp }, packet) => withTypeOfService(packet, tos => (dscp << 2) | (tos & 3)),
  print: target => ` --set-dscp ${printDscp(target.dscp)}`,
  list: target => ` DSCP set ${printDscp(target.dscp)}`,
})
