import { defined } from '../defined.ts'
import { EvaluationError, known } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { type AddressType, parseAddressTypes } from '../value/address-type.ts'

export interface AddrtypeMatch {
  readonly kind: 'addrtype'
  /** The address is of one of these types. */
  readonly source?: Term<readonly AddressType[]>
  readonly destination?: Term<readonly AddressType[]>
  /** Only routes of the packet's input or output device are looked at. */
  readonly limit?: 'in' | 'out'
}

const types = option((text, { family }) => parseAddressTypes(text, family), { negatable: true })

export const addrtype = defineMatch<AddrtypeMatch>()({
  name: 'addrtype',
  options: {
    'src-type': types,
    'dst-type': types,
    'limit-iface-in': flag({ excludes: ['limit-iface-out'] }),
    'limit-iface-out': flag({ excludes: ['limit-iface-in'] }),
  },
  requiresOneOf: ['src-type', 'dst-type'],
  build(given) {
    const limit: AddrtypeMatch['limit'] = given['limit-iface-in'] ? 'in' : given['limit-iface-out'] && 'out'
    return {
      kind: 'addrtype',
      ...defined({ source: asTerm(given['src-type']), destination: asTerm(given['dst-type']), limit }),
    }
  },
  placementOf({ limit }) {
    if (limit === 'in') return { chains: ['PREROUTING', 'INPUT', 'FORWARD'] }
    return limit === 'out' ? { chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'] } : {}
  },
  print: match =>
    printTerm('src-type', match.source, commas) +
    printTerm('dst-type', match.destination, commas) +
    (match.limit ? ` --limit-iface-${match.limit}` : ''),
  list: match =>
    ' ADDRTYPE match' +
    (match.source ? ` src-type ${showTerm(match.source, commas)}` : '') +
    (match.destination ? ` dst-type ${showTerm(match.destination, commas)}` : '') +
    (match.limit ? ` limit-${match.limit}` : ''),
  evaluate(match, packet) {
    if (match.limit) throw new EvaluationError('the packet does not say what the routes of its device are')
    return (
      agrees(match.source, one => one.includes(known(packet.sourceType, 'what its source is to routing'))) &&
      agrees(match.destination, one =>
        one.includes(known(packet.destinationType, 'what its destination is to routing')),
      )
    )
  },
})

const commas = (one: readonly AddressType[]): string => one.join(',')
