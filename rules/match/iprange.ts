import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { option, type ValueContext } from '../option.ts'
import { headersOf } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import {
  type AddressRange,
  isInAddresses,
  parseAddressRange,
  printAddressRange,
} from '../value/address-range.ts'

export interface IprangeMatch {
  readonly kind: 'iprange'
  readonly source?: Term<AddressRange>
  readonly destination?: Term<AddressRange>
}

const range = option((text, { family }: ValueContext) => parseAddressRange(text, family), { negatable: true })

export const iprange = defineMatch<IprangeMatch>()({
  name: 'iprange',
  options: { 'src-range': range, 'dst-range': range },
  requiresOneOf: ['src-range', 'dst-range'],
  build: given => ({
    kind: 'iprange',
    ...defined({ source: asTerm(given['src-range']), destination: asTerm(given['dst-range']) }),
  }),
  print: match =>
    printTerm('src-range', match.source, printAddressRange) +
    printTerm('dst-range', match.destination, printAddressRange),
  list: ({ source, destination }) =>
    (source ? ` source IP range ${showTerm(source, printAddressRange, '! ')}` : '') +
    (destination ? ` destination IP range ${showTerm(destination, printAddressRange, '! ')}` : ''),
  evaluate: (match, packet) => {
    const headers = headersOf(packet)
    return (
      agrees(match.source, addresses => isInAddresses(headers.source, addresses)) &&
      agrees(match.destination, addresses => isInAddresses(headers.destination, addresses))
    )
  },
})
