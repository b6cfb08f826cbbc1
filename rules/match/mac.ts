import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { type MacAddress, parseMac, printMac } from '../value/mac.ts'

export interface MacMatch {
  readonly kind: 'mac'
  readonly source: Term<MacAddress>
}

export const mac = defineMatch<MacMatch>()({
  name: 'mac',
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  options: { 'mac-source': option(parseMac, { negatable: true, required: true }) },
  build: given => ({ kind: 'mac', source: asTerm(given['mac-source']) ?? term(0) }),
  print: match => printTerm('mac-source', match.source, printMac),
  list: match => ` MAC ${showTerm(match.source, printMac, '! ')}`,
  /** What did not come in an Ethernet frame never matches, not even negated (net/netfilter/xt_mac.c). */
  evaluate: (match, { sourceMac }) =>
    sourceMac !== undefined && agrees(match.source, address => address === sourceMac),
})
