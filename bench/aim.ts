// Packets aimed at rules: each has what one rule asks for, as far as that is an address, a protocol or a port. An earlier
// rule may take it first.

import type { AddressMask, Family, Match, Rule, Term } from 'iptables-parser'
import { anyAddress } from './address.ts'
import { type Flow, protocolNumber } from './frame.ts'
import type { Random } from './random.ts'

type PortRange = { readonly low: number; readonly high: number }

/** A packet for a rule. */
export function aimAt(rule: Rule, family: Family, random: Random): Flow {
  const protocol = rule.protocol && !rule.protocol.negated ? rule.protocol.value : anyProtocol(random)
  return {
    family,
    source: addressFor(rule.source, family, random),
    destination: addressFor(rule.destination, family, random),
    protocol,
    ...(protocol === protocolNumber.icmp || protocol === protocolNumber.icmp6
      ? { sourcePort: protocol === protocolNumber.icmp ? 8 : 128, destinationPort: 0 }
      : {
          sourcePort: portFor(rule.matches, 'source', random),
          destinationPort: portFor(rule.matches, 'destination', random),
        }),
  }
}

/** A packet for no rule in particular. */
export const randomFlow = (family: Family, random: Random): Flow => aimAt({ matches: [] }, family, random)

const anyProtocol = (random: Random): number => (random(2) === 0 ? protocolNumber.tcp : protocolNumber.udp)

function addressFor(term: Term<AddressMask> | undefined, family: Family, random: Random): bigint {
  const other = anyAddress(family, random)
  if (!term || term.negated) return other
  return term.value.value | (other & ~term.value.mask)
}

function portFor(matches: readonly Match[], side: 'source' | 'destination', random: Random): number {
  const ranges = matches.flatMap(match => portsAskedFor(match, side))
  const range = ranges[random(Math.max(1, ranges.length))]
  return range ? range.low + random(range.high - range.low + 1) : 1024 + random(60_000)
}

function portsAskedFor(match: Match, side: 'source' | 'destination'): readonly PortRange[] {
  if (match.kind === 'multiport') {
    const asks = side === 'source' ? 'sports' : 'dports'
    return match.ports.negated || match.side !== asks ? [] : match.ports.value
  }
  if (match.kind !== 'tcp' && match.kind !== 'udp') return []
  const term = side === 'source' ? match.sourcePort : match.destinationPort
  return !term || term.negated ? [] : [term.value]
}
