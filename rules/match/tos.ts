import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { typeOfService } from '../packet.ts'
import { agrees, asTerm, bang, printTerm, type Term, term } from '../term.ts'
import { type MaskedTos, parseTos, printTos, tosName } from '../value/tos.ts'

export interface TosMatch {
  readonly kind: 'tos'
  readonly tos: Term<MaskedTos>
}

export const tos = defineMatch<TosMatch>()({
  name: 'tos',
  options: { tos: option(parseTos, { negatable: true, required: true }) },
  build: given => ({ kind: 'tos', tos: asTerm(given.tos) ?? term({ value: 0, mask: 0 }) }),
  print: match => printTerm('tos', match.tos, printTos),
  list: ({ tos: given }, { numeric }) => {
    const name = numeric ? undefined : tosName(given.value)
    return ` tos match${bang(given)}${name === undefined ? printTos(given.value) : ` ${name}`}`
  },
  evaluate: (match, packet) =>
    agrees(match.tos, ({ value, mask }) => (typeOfService(packet) & mask) === value),
})
