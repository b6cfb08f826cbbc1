import { readSnmp } from '../snmp.ts'

/** Packets that got past all filters, by protocol; of IPv4 alone. */
export interface Delivered {
  readonly tcp: number
  readonly udp: number
}

/** Of the current network namespace (tcpInSegs of RFC 4022, udpNoPorts of RFC 4113: nothing listens). */
export function readDelivered(): Delivered {
  const values = readSnmp(4)
  const value = (name: string): number => values.get(name) ?? Number.NaN
  return {
    tcp: value('Tcp InSegs'),
    udp: value('Udp NoPorts') + value('Udp InDatagrams'),
  }
}

export const difference = (after: Delivered, before: Delivered): Delivered => ({
  tcp: after.tcp - before.tcp,
  udp: after.udp - before.udp,
})
