import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { type PacketType, packetTypes } from '../packet.ts'
import { agrees, asTerm, printTerm, type Term, term } from '../term.ts'

export interface PkttypeMatch {
  readonly kind: 'pkttype'
  readonly type: Term<PacketType>
}

function parseType(text: string): PacketType {
  const lower = text.toLowerCase()
  const type = lower === 'host' ? 'unicast' : packetTypes.find(known => known === lower)
  if (!type)
    throw new RuleError('ERR_VALUE', `"${text}" is not a packet type`, {
      hint: `types are ${packetTypes.join(', ')}`,
    })
  return type
}

export const pkttype = defineMatch<PkttypeMatch>()({
  name: 'pkttype',
  options: { 'pkt-type': option(parseType, { negatable: true, required: true }) },
  build: given => ({ kind: 'pkttype', type: asTerm(given['pkt-type']) ?? term('unicast') }),
  print: match => printTerm('pkt-type', match.type, String),
  list: ({ type }) => ` PKTTYPE ${type.negated ? '!=' : '='} ${type.value}`,
  evaluate: (match, packet) => agrees(match.type, type => type === (packet.type ?? 'unicast')),
})
