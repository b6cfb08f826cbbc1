import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { typeOfService } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { parseDscp, parseDscpClass, printDscp } from '../value/dscp.ts'

export interface DscpMatch {
  readonly kind: 'dscp'
  /** The code point, upper six bits of the type-of-service byte. */
  readonly dscp: Term<number>
}

export const dscp = defineMatch<DscpMatch>()({
  name: 'dscp',
  options: {
    dscp: option(parseDscp, { negatable: true, excludes: ['dscp-class'] }),
    'dscp-class': option(parseDscpClass, { negatable: true, excludes: ['dscp'] }),
  },
  requiresOneOf: ['dscp', 'dscp-class'],
  build: given => ({ kind: 'dscp', dscp: asTerm(given.dscp ?? given['dscp-class']) ?? term(0) }),
  print: match => printTerm('dscp', match.dscp, printDscp),
  list: match => ` DSCP match ${showTerm(match.dscp, printDscp)}`,
  evaluate: (match, packet) => agrees(match.dscp, value => typeOfService(packet) >> 2 === value),
})
