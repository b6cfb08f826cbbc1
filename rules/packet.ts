import type { Family } from './family.ts'
import type { Conntrack } from './packet/conntrack.ts'
import { ipv4Headers } from './packet/ipv4.ts'
import { ipv6Headers } from './packet/ipv6.ts'
import type { AddressType } from './value/address-type.ts'
import type { MacAddress } from './value/mac.ts'

export * from './packet/conntrack.ts'

/** Whom the link layer sent a packet to. */
export const packetTypes = ['unicast', 'broadcast', 'multicast', 'otherhost'] as const
export type PacketType = (typeof packetTypes)[number]

/** Whose socket sent a packet; user and group numbers. */
export interface SocketOwner {
  readonly user: number
  readonly group: number
  readonly supplementaryGroups: readonly number[]
}

/** The ports of a bridge that a packet came in and goes out by, as far as it has any. */
export interface BridgePorts {
  readonly in?: string
  readonly out?: string
}

/** A packet as a base chain sees it. */
export interface Packet {
  readonly family: Family
  /** From the network header to the end of the packet, link-layer padding cut off. */
  readonly bytes: Uint8Array
  /** '' where there is none. */
  readonly inInterface: string
  readonly outInterface: string
  readonly conntrack?: Conntrack
  /** What an earlier rule has marked it with; 0 unless given. */
  readonly mark?: number
  /** `unicast` unless given. */
  readonly type?: PacketType
  /** Of the Ethernet frame it came in; left out where it came in none. */
  readonly sourceMac?: MacAddress
  /** Left out where no socket of this machine sent it. */
  readonly owner?: SocketOwner
  /** Left out where no bridge has seen it. */
  readonly bridge?: BridgePorts
  /** What the routing table makes of its addresses. */
  readonly sourceType?: AddressType
  readonly destinationType?: AddressType
  /** Groups of the devices (`ip link set … group`); 0 unless given. */
  readonly inGroup?: number
  readonly outGroup?: number
  /** When it is looked at: seconds since 1970 began. */
  readonly time?: number
  /** Of the socket it came from or goes to: net_cls.classid; 0 unless given. */
  readonly classId?: number
}

/** What the headers of a packet say, as ip_tables and ip6_tables read them. */
export interface Headers {
  readonly source: bigint
  readonly destination: bigint
  /** The upper-layer protocol; undefined where IPv6 extension headers are cut off before it. */
  readonly protocol: number | undefined
  /** Not the first fragment of a datagram: bytes before it, or 0. */
  readonly fragmentOffset: number
  /** Where the transport header begins; 0 for later fragments over IPv6, so that a match that reads it all the same reads the IPv6 header. */
  readonly transport: number
}

const cache = new WeakMap<Packet, Headers>()

export function headersOf(packet: Packet): Headers {
  let headers = cache.get(packet)
  if (!headers) {
    headers = packet.family === 4 ? ipv4Headers(packet.bytes) : ipv6Headers(packet.bytes)
    cache.set(packet, headers)
  }
  return headers
}

/** The first `size` bytes of the transport header; undefined where the packet ends before. */
export function transportHeader(packet: Packet, size: number): DataView | undefined {
  const { transport } = headersOf(packet)
  if (transport + size > packet.bytes.length) return undefined
  return new DataView(packet.bytes.buffer, packet.bytes.byteOffset + transport, size)
}

/** The type-of-service byte, in IPv6 the traffic class, which lies across the first two bytes. */
export function typeOfService({ family, bytes: [first = 0, second = 0] }: Packet): number {
  return family === 4 ? second : ((first & 15) << 4) | (second >> 4)
}
