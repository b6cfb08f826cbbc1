import { RuleError } from '../error.ts'
import { defineMatch, type MatchResult } from '../extension.ts'
import { option, type ValueContext } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { printTerm, type Term, term } from '../term.ts'
import { isIn, type Range } from '../value/number.ts'
import { listPorts, parsePort, printPortRange } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'

export interface MultiportMatch {
  readonly kind: 'multiport'
  /** `ports`: the source or the destination port is one of them. */
  readonly side: 'sports' | 'dports' | 'ports'
  readonly ports: Term<readonly Range[]>
}

/** XT_MULTI_PORTS; a range takes two. */
export const MAX_PORTS = 15

function parsePorts(text: string, context: ValueContext): Range[] {
  const ranges = text.split(',').map(word => {
    const [low = '', high] = word.split(':')
    const first = parsePort(low, context)
    const range = { low: first, high: high === undefined ? first : parsePort(high, context) }
    if (range.low > range.high || (high !== undefined && range.low === range.high))
      throw new RuleError('ERR_VALUE', `the port range ${word} is empty or ends before it begins`)
    return range
  })
  const slots = ranges.reduce((sum, { low, high }) => sum + (low === high ? 1 : 2), 0)
  if (slots > MAX_PORTS)
    throw new RuleError('ERR_VALUE', `${slots} ports are too many for multiport`, {
      hint: `at most ${MAX_PORTS}, of which a range takes 2; write two rules`,
    })
  return ranges
}

const side = (name: string, others: readonly string[], alias: string) =>
  option(parsePorts, { aliases: [alias], negatable: true, excludes: others.filter(other => other !== name) })

export const PROTOCOLS_WITH_PORTS: readonly number[] = [
  protocols.tcp,
  protocols.udp,
  protocols.udplite,
  protocols.sctp,
  protocols.dccp,
]

const SIDES = ['source-ports', 'destination-ports', 'ports'] as const

export const multiport = defineMatch<MultiportMatch>()({
  name: 'multiport',
  protocols: PROTOCOLS_WITH_PORTS,
  options: {
    'source-ports': side('source-ports', SIDES, 'sports'),
    'destination-ports': side('destination-ports', SIDES, 'dports'),
    ports: side('ports', SIDES, 'port'),
  },
  requiresOneOf: SIDES,
  build(given) {
    const build = (which: MultiportMatch['side'], ports: Term<Range[]>): MultiportMatch => ({
      kind: 'multiport',
      side: which,
      ports: term(ports.value, ports.negated),
    })
    if (given['source-ports']) return build('sports', given['source-ports'])
    if (given['destination-ports']) return build('dports', given['destination-ports'])
    return build('ports', given.ports ?? term([]))
  },
  print: match => printTerm(match.side, match.ports, ranges => ranges.map(printPortRange).join(',')),
  list: ({ side: which, ports }, context) =>
    ` multiport ${which} ${ports.negated ? ' !' : ''}${ports.value.map(range => listPorts(range, context)).join(',')}`,
  evaluate,
})

/** net/netfilter/xt_multiport.c, multiport_mt. */
function evaluate(match: MultiportMatch, packet: Packet): MatchResult {
  if (headersOf(packet).fragmentOffset !== 0) return false
  const header = transportHeader(packet, 4)
  if (!header) return 'hotdrop'
  const has = (offset: number): boolean =>
    match.ports.value.some(range => isIn(header.getUint16(offset), range))
  const matches = match.side === 'sports' ? has(0) : match.side === 'dports' ? has(2) : has(0) || has(2)
  return matches !== match.ports.negated
}
