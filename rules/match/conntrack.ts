import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { known } from '../evaluation-error.ts'
import { defineMatch, type ListContext } from '../extension.ts'
import { option } from '../option.ts'
import {
  type Conntrack,
  type ConntrackDirection,
  type ConntrackStatus,
  conntrackStatuses,
  isTracked,
  type Packet,
  type Tuple,
} from '../packet.ts'
import { agrees, asTerm, listTerm, printTerm, type Term } from '../term.ts'
import {
  type AddressPrefix,
  listPrefix,
  parseAddressPrefix,
  prefixMatches,
  printPrefix,
} from '../value/address-prefix.ts'
import { type ConnectionState, connectionStates, parseStates, stateMatches } from '../value/ctstate.ts'
import { isIn, maximum, type Range } from '../value/number.ts'
import { parseAnyPortRange, printPortRange } from '../value/port.ts'
import { parseProtocol } from '../value/protocol.ts'
import { parseRange, printRange } from '../value/range.ts'
import { parseWords } from '../value/words.ts'

/** What it asks of the packet's connection; `original` is the direction of its first packet. */
export interface ConntrackMatch {
  readonly kind: 'conntrack'
  readonly states?: Term<readonly ConnectionState[]>
  /** Protocol number. */
  readonly protocol?: Term<number>
  readonly originalSource?: Term<AddressPrefix>
  readonly originalDestination?: Term<AddressPrefix>
  readonly replySource?: Term<AddressPrefix>
  readonly replyDestination?: Term<AddressPrefix>
  readonly originalSourcePort?: Term<Range>
  readonly originalDestinationPort?: Term<Range>
  readonly replySourcePort?: Term<Range>
  readonly replyDestinationPort?: Term<Range>
  /** One of them is set. Empty is NONE, which no connection satisfies. */
  readonly status?: Term<readonly ConntrackStatus[]>
  /** Seconds until the connection is forgotten. */
  readonly expires?: Term<Range>
  readonly direction?: ConntrackDirection
}

/** Protocol 0 is no protocol a connection can have; iptables refuses it since 1.8.10. */
function parseConnectionProtocol(text: string): number {
  const protocol = parseProtocol(text)
  if (protocol === 0) throw new RuleError('ERR_VALUE', 'no connection is of protocol 0')
  return protocol
}

/** NONE adds no status to those beside it. */
const parseStatuses = (text: string): ConntrackStatus[] =>
  parseWords(text, ['NONE', ...conntrackStatuses], 'connection status').filter(word => word !== 'NONE')

function parseDirection(text: string): ConntrackDirection {
  const upper = text.toUpperCase()
  if (upper === 'ORIGINAL' || upper === 'REPLY') return upper
  throw new RuleError('ERR_VALUE', `"${text}" is not a direction`, { hint: 'ORIGINAL or REPLY' })
}

const address = option((text, { family }) => parseAddressPrefix(text, family), { negatable: true })
const port = option(parseAnyPortRange, { negatable: true })

const options = {
  ctstate: option(text => parseStates(text, connectionStates), { negatable: true }),
  ctproto: option(parseConnectionProtocol, { negatable: true }),
  ctorigsrc: address,
  ctorigdst: address,
  ctreplsrc: address,
  ctrepldst: address,
  ctorigsrcport: port,
  ctorigdstport: port,
  ctreplsrcport: port,
  ctrepldstport: port,
  ctstatus: option(parseStatuses, { negatable: true }),
  ctexpire: option(text => parseRange(text, maximum(32), 'number of seconds'), { negatable: true }),
  ctdir: option(parseDirection),
}

export const conntrack = defineMatch<ConntrackMatch>()({
  name: 'conntrack',
  options,
  requiresOneOf: Object.keys(options) as (keyof typeof options)[],
  build(given) {
    const terms = {
      states: asTerm(given.ctstate),
      protocol: asTerm(given.ctproto),
      originalSource: asTerm(given.ctorigsrc),
      originalDestination: asTerm(given.ctorigdst),
      replySource: asTerm(given.ctreplsrc),
      replyDestination: asTerm(given.ctrepldst),
      originalSourcePort: asTerm(given.ctorigsrcport),
      originalDestinationPort: asTerm(given.ctorigdstport),
      replySourcePort: asTerm(given.ctreplsrcport),
      replyDestinationPort: asTerm(given.ctrepldstport),
      status: asTerm(given.ctstatus),
      expires: asTerm(given.ctexpire),
      direction: given.ctdir?.value,
    }
    return { kind: 'conntrack', ...defined(terms) }
  },
  print: match =>
    printTerm('ctstate', match.states, states => states.join(',')) +
    printTerm('ctproto', match.protocol, String) +
    printTerm('ctorigsrc', match.originalSource, printPrefix) +
    printTerm('ctorigdst', match.originalDestination, printPrefix) +
    printTerm('ctreplsrc', match.replySource, printPrefix) +
    printTerm('ctrepldst', match.replyDestination, printPrefix) +
    printTerm('ctorigsrcport', match.originalSourcePort, printPortRange) +
    printTerm('ctorigdstport', match.originalDestinationPort, printPortRange) +
    printTerm('ctreplsrcport', match.replySourcePort, printPortRange) +
    printTerm('ctrepldstport', match.replyDestinationPort, printPortRange) +
    printTerm('ctstatus', match.status, words => words.join(',') || 'NONE') +
    printTerm('ctexpire', match.expires, printRange) +
    (match.direction ? ` --ctdir ${match.direction}` : ''),
  list,
  evaluate,
})

/** net/netfilter/xt_conntrack.c, conntrack_mt. */
function evaluate(match: ConntrackMatch, { conntrack: connection }: Packet): boolean {
  if (!agrees(match.states, states => stateMatches(states, connection))) return false
  // without a connection the state alone is asked, and whatever stands beside it is taken to hold
  if (!isTracked(connection)) return match.states !== undefined
  return (
    directionMatches(match, connection) &&
    tuplesMatch(match, connection) &&
    agrees(match.status, words =>
      words.some(word => known(connection.status, 'its status').includes(word)),
    ) &&
    agrees(match.expires, range => isIn(known(connection.expires, 'when its connection expires'), range))
  )
}

const directionMatches = ({ direction }: ConntrackMatch, connection: Conntrack): boolean =>
  direction === undefined || known(connection.direction, 'its direction') === direction

function tuplesMatch(match: ConntrackMatch, connection: Conntrack): boolean {
  const original = (): Tuple => known(connection.original, 'where its connection came from')
  const reply = (): Tuple => known(connection.reply, 'where replies to its connection come from')
  return (
    agrees(match.originalSource, mask => prefixMatches(mask, original().source)) &&
    agrees(match.originalDestination, mask => prefixMatches(mask, original().destination)) &&
    agrees(match.replySource, mask => prefixMatches(mask, reply().source)) &&
    agrees(match.replyDestination, mask => prefixMatches(mask, reply().destination)) &&
    agrees(match.protocol, protocol => original().protocol === protocol) &&
    agrees(match.originalSourcePort, range => isIn(original().sourcePort, range)) &&
    agrees(match.originalDestinationPort, range => isIn(original().destinationPort, range)) &&
    agrees(match.replySourcePort, range => isIn(reply().sourcePort, range)) &&
    agrees(match.replyDestinationPort, range => isIn(reply().destinationPort, range))
  )
}

function list(match: ConntrackMatch, context: ListContext): string {
  const prefix = (value: AddressPrefix): string => listPrefix(value, context)
  return (
    listTerm('ctstate', match.states, states => states.join(',')) +
    listTerm('ctproto', match.protocol) +
    listTerm('ctorigsrc', match.originalSource, prefix) +
    listTerm('ctorigdst', match.originalDestination, prefix) +
    listTerm('ctreplsrc', match.replySource, prefix) +
    listTerm('ctrepldst', match.replyDestination, prefix) +
    listTerm('ctorigsrcport', match.originalSourcePort, printPortRange) +
    listTerm('ctorigdstport', match.originalDestinationPort, printPortRange) +
    listTerm('ctreplsrcport', match.replySourcePort, printPortRange) +
    listTerm('ctrepldstport', match.replyDestinationPort, printPortRange) +
    listTerm('ctstatus', match.status, words => words.join(',') || 'NONE') +
    listTerm('ctexpire', match.expires, printRange) +
    (match.direction ? ` ctdir ${match.direction}` : '')
  )
}
