// From a rule that is for one packet alone to that packet.

import {
  type ConntrackState,
  type Family,
  type Match,
  type Packet,
  type Range,
  type Rule,
  RuleError,
  ruleMatches,
  type Term,
} from 'iptables-parser'
import { leastBytes, type PacketShape, packetBytes } from './bytes.ts'

/** A packet, and what was made up since nothing was said of it. */
export interface ExamplePacket {
  readonly packet: Packet
  readonly assumed: readonly string[]
}

/** Of documentation networks (RFC 5737, RFC 3849). */
const EXAMPLES = {
  4: { source: 0xc000_0201n, destination: 0xc633_6401n, text: ['192.0.2.1', '198.51.100.1'] },
  6: {
    source: (0x2001_0db8n << 96n) | 1n,
    destination: (0x2001_0db8n << 96n) | 2n,
    text: ['2001:db8::1', '2001:db8::2'],
  },
} as const

const PORTS = { source: 40000, destination: 9 } as const
const protocols = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, udplite: 136, sctp: 132, dccp: 33 } as const
const withPorts: readonly number[] = [
  protocols.tcp,
  protocols.udp,
  protocols.udplite,
  protocols.sctp,
  protocols.dccp,
]
const SYN = 0x02
const HOPS = 64

/** Throws RuleError where the words leave more than one packet, or none. */
export function examplePacket(rule: Rule, family: Family): ExamplePacket {
  const assumed: string[] = []
  const assume = <T>(value: T | undefined, fallback: T, said: string): T => {
    if (value !== undefined) return value
    assumed.push(said)
    return fallback
  }
  const examples = EXAMPLES[family]
  const asked = askedOf(rule)
  const protocol = assume(only(rule.protocol), protocols.tcp, '-p tcp')
  const source = assume(oneAddress(rule.source, family), examples.source, `-s ${examples.text[0]}`)
  const destination = assume(
    oneAddress(rule.destination, family),
    examples.destination,
    `-d ${examples.text[1]}`,
  )
  const ports = withPorts.includes(protocol) && {
    source: assume(asked.sourcePort, PORTS.source, `--sport ${PORTS.source}`),
    destination: assume(asked.destinationPort, PORTS.destination, `--dport ${PORTS.destination}`),
  }
  const packet: Packet = {
    family,
    bytes: bytesOf(rule, {
      family,
      source,
      destination,
      protocol,
      ...(ports && { ports }),
      tcpFlags: protocol === protocols.tcp ? assume(asked.tcpFlags, SYN, '--syn') : 0,
      ...(asked.icmp && { icmp: asked.icmp }),
      hops: asked.hops ?? HOPS,
      tos: asked.tos ?? 0,
      fragment: only(rule.fragment) ?? false,
      ...(asked.length !== undefined && { length: asked.length }),
    }),
    inInterface: rule.inInterface?.value.name ?? '',
    outInterface: rule.outInterface?.value.name ?? '',
    conntrack: assume(asked.beside.conntrack, { state: 'NEW' }, '--ctstate NEW'),
    ...asked.beside,
  }
  if (ruleMatches(rule, packet) !== true) throw notOne('no packet is all of this', rule)
  return { packet, assumed }
}

function bytesOf(rule: Rule, shape: PacketShape): Uint8Array {
  if (shape.length !== undefined && shape.length < leastBytes(shape))
    throw notOne(`no packet of ${shape.length} bytes has these headers`, rule)
  return packetBytes(shape)
}

/** What matches ask of the packet, in terms of its bytes, and of what goes beside them. */
interface Asked {
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly tcpFlags?: number
  readonly icmp?: { readonly type: number; readonly code: number }
  readonly hops?: number
  readonly tos?: number
  readonly length?: number
  readonly beside: Partial<Packet>
}

function askedOf(rule: Rule): Asked {
  const parts = rule.matches.map(match => askedBy(match, rule))
  return Object.assign({}, ...parts, { beside: Object.assign({}, ...parts.map(({ beside }) => beside)) })
}

function askedBy(match: Match, rule: Rule): Partial<Asked> {
  switch (match.kind) {
    case 'tcp':
      return { ...portsOf(match, rule), ...(match.flags && { tcpFlags: match.flags.value.set }) }
    case 'udp':
    case 'sctp':
    case 'dccp':
      return portsOf(match, rule)
    case 'icmp':
    case 'icmp6':
      return { icmp: { type: match.type.value.type ?? 0, code: match.type.value.code ?? 0 } }
    case 'conntrack':
    case 'state':
      return { beside: { conntrack: { state: oneState(match.states?.value, rule) } } }
    case 'mark':
      return { beside: { mark: match.mark.value.value } }
    case 'mac':
      return { beside: { sourceMac: match.source.value } }
    case 'pkttype':
      return { beside: { type: match.type.value } }
    case 'owner':
      return {
        beside: {
          owner: {
            user: match.user?.value.low ?? 0,
            group: match.group?.value.low ?? 0,
            supplementaryGroups: [],
          },
        },
      }
    case 'ttl':
    case 'hl':
      return { hops: match.value }
    case 'tos':
      return { tos: match.tos.value.value }
    case 'length':
      return { length: match.length.value.low }
    case 'comment':
      return {}
    default:
      throw notOne(`-m ${match.kind} does not describe a packet`, rule)
  }
}

interface Ports {
  readonly sourcePort?: Term<Range>
  readonly destinationPort?: Term<Range>
}

const portsOf = ({ sourcePort, destinationPort }: Ports, rule: Rule): Partial<Asked> => ({
  ...(sourcePort && { sourcePort: onePort(sourcePort, rule) }),
  ...(destinationPort && { destinationPort: onePort(destinationPort, rule) }),
})

function onePort({ value: { low, high } }: Term<Range>, rule: Rule): number {
  if (low === high) return low
  throw notOne('a packet has one port on either side, not a range of them', rule)
}

/** A packet is in one state. SNAT and DNAT are none. */
function oneState(states: readonly string[] | undefined, rule: Rule): ConntrackState {
  const [state, more] = states ?? []
  const known = STATES.find(one => one === state)
  if (!known || more) throw notOne('a packet is in one state', rule, `states are ${STATES.join(', ')}`)
  return known
}

const STATES: readonly ConntrackState[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED']

const only = <T>(given: Term<T> | undefined): T | undefined => (given?.negated ? undefined : given?.value)

function oneAddress(given: Rule['source'], family: Family): bigint | undefined {
  const address = only(given)
  if (address && address.mask !== (1n << (family === 4 ? 32n : 128n)) - 1n)
    throw new RuleError('ERR_VALUE', 'a packet has one address, not a network of them', {
      ...(given?.span && { span: given.span }),
    })
  return address?.value
}

const notOne = (message: string, { span }: Rule, hint?: string): RuleError =>
  new RuleError('ERR_VALUE', message, { ...(span && { span }), ...(hint && { hint }) })
