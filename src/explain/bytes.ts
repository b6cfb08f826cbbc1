// The bytes of a packet: an IP header, the header of its protocol, and zeros up to its length.

import type { Family } from 'iptables-parser'

export interface PacketShape {
  readonly family: Family
  readonly source: bigint
  readonly destination: bigint
  readonly protocol: number
  /** Absent for protocols without ports. */
  readonly ports?: { readonly source: number; readonly destination: number }
  /** As they stand in byte 13 of a TCP header (RFC 9293). */
  readonly tcpFlags: number
  readonly icmp?: { readonly type: number; readonly code: number }
  /** TTL or hop limit. */
  readonly hops: number
  readonly tos: number
  /** A second or further fragment; IPv4. */
  readonly fragment: boolean
  /** From the network header on; as long as the headers unless given. */
  readonly length?: number
}

const IP_BYTES = { 4: 20, 6: 40 } as const
const TCP = 6
/** Bytes of the header of protocols that have a longer one. */
const TRANSPORT_BYTES: Readonly<Record<number, number>> = { [TCP]: 20, 33: 16, 132: 12 }

/** How long the headers are. */
export const leastBytes = ({ family, protocol }: PacketShape): number =>
  IP_BYTES[family] + (TRANSPORT_BYTES[protocol] ?? 8)

/** The length must leave room for the headers. */
export function packetBytes(shape: PacketShape): Uint8Array<ArrayBuffer> {
  const header = IP_BYTES[shape.family]
  const length = shape.length ?? leastBytes(shape)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  if (shape.family === 4) writeIpv4(view, shape)
  else writeIpv6(view, shape)
  writeTransport(new DataView(bytes.buffer, header), shape)
  return bytes
}

/** RFC 791. No checksum: no rule asks for it. */
function writeIpv4(
  view: DataView,
  { source, destination, protocol, hops, tos, fragment }: PacketShape,
): void {
  view.setUint8(0, 0x45)
  view.setUint8(1, tos)
  view.setUint16(2, view.byteLength)
  view.setUint16(6, fragment ? 0x0100 : 0)
  view.setUint8(8, hops)
  view.setUint8(9, protocol)
  view.setUint32(12, Number(source))
  view.setUint32(16, Number(destination))
}

/** RFC 8200. */
function writeIpv6(view: DataView, { source, destination, protocol, hops, tos }: PacketShape): void {
  view.setUint16(0, 0x6000 | (tos << 4))
  view.setUint16(4, view.byteLength - IP_BYTES[6])
  view.setUint8(6, protocol)
  view.setUint8(7, hops)
  for (const [at, address] of [
    [8, source],
    [24, destination],
  ] as const) {
    view.setBigUint64(at, address >> 64n)
    view.setBigUint64(at + 8, BigInt.asUintN(64, address))
  }
}

function writeTransport(view: DataView, { protocol, ports, tcpFlags, icmp }: PacketShape): void {
  if (ports) {
    view.setUint16(0, ports.source)
    view.setUint16(2, ports.destination)
  }
  if (icmp) {
    view.setUint8(0, icmp.type)
    view.setUint8(1, icmp.code)
  }
  if (protocol !== TCP) return
  view.setUint8(12, 5 << 4)
  view.setUint8(13, tcpFlags)
}
