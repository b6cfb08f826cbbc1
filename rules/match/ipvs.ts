import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option, type ValueContext } from '../option.ts'
import { asTerm, listTerm, printTerm, type Term } from '../term.ts'
import { type AddressPrefix, listPrefix, parseAddressPrefix, printPrefix } from '../value/address-prefix.ts'
import { parsePort } from '../value/port.ts'
import { parseProtocol } from '../value/protocol.ts'
import { parseWord } from '../value/word.ts'

const DIRECTIONS = ['ORIGINAL', 'REPLY'] as const
const METHODS = ['GATE', 'IPIP', 'MASQ'] as const

/** What is asked of the IPVS connection a packet belongs to; any of it but `connection: negated` asks that there is one. */
export interface IpvsMatch {
  readonly kind: 'ipvs'
  /** It belongs to one, or does not. */
  readonly connection?: Term<true>
  readonly protocol?: Term<number>
  readonly address?: Term<AddressPrefix>
  readonly port?: Term<number>
  readonly direction?: (typeof DIRECTIONS)[number]
  readonly method?: Term<(typeof METHODS)[number]>
  /** Of the connection that controls this one. */
  readonly controlPort?: Term<number>
}

const anyPort = option((text, { family }: ValueContext) => parsePort(text, { family }), { negatable: true })

export const ipvs = defineMatch<IpvsMatch>()({
  name: 'ipvs',
  options: {
    ipvs: flag({ negatable: true }),
    vproto: option(parseProtocol, { negatable: true }),
    vaddr: option((text, { family }: ValueContext) => parseAddressPrefix(text, family), { negatable: true }),
    vport: anyPort,
    vdir: option(text => parseWord(text.toUpperCase(), DIRECTIONS, 'direction')),
    vmethod: option(text => parseWord(text.toUpperCase(), METHODS, 'forwarding method'), { negatable: true }),
    vportctl: anyPort,
  },
  requiresOneOf: ['ipvs', 'vproto', 'vaddr', 'vport', 'vdir', 'vmethod', 'vportctl'],
  build: (given, { uses }) => {
    if (given.ipvs?.negated && uses.length > 1)
      throw new RuleError('ERR_OPTION', '"! --ipvs" does not go with other options', {
        span: given.ipvs.span,
      })
    return {
      kind: 'ipvs',
      ...defined({
        connection: asTerm(given.ipvs),
        protocol: asTerm(given.vproto),
        address: asTerm(given.vaddr),
        port: asTerm(given.vport),
        direction: given.vdir?.value,
        method: asTerm(given.vmethod),
        controlPort: asTerm(given.vportctl),
      }),
    }
  },
  print: match =>
    (match.connection ? `${match.connection.negated ? ' !' : ''} --ipvs` : '') +
    printTerm('vproto', match.protocol, String) +
    printTerm('vaddr', match.address, printPrefix) +
    printTerm('vport', match.port, String) +
    (match.direction ? ` --vdir ${match.direction}` : '') +
    printTerm('vmethod', match.method, String) +
    printTerm('vportctl', match.controlPort, String),
  list: (match, context) =>
    (match.connection ? `${match.connection.negated ? ' !' : ''} ipvs` : '') +
    listTerm('vproto', match.protocol) +
    listTerm('vaddr', match.address, prefix => listPrefix(prefix, context)) +
    listTerm('vport', match.port) +
    (match.direction ? ` vdir ${match.direction}` : '') +
    listTerm('vmethod', match.method) +
    listTerm('vportctl', match.controlPort),
})
