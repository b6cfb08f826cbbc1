// Frames to measure with. All have one size, so that they differ only in what rules ask about.

import type { Family } from 'iptables-parser'

/** The address of the device under test, and of its peer. */
export const mac = { host: '02:00:00:00:00:01', peer: '02:00:00:00:00:02' } as const

/** Bytes of every frame; a multiple of 8. */
export const FRAME_BYTES = 80

export const ETHERNET_BYTES = 14

export const protocolNumber = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const

/** What rules ask about a packet. Addresses are numbers of 32 or 128 bits. */
export interface Flow {
  readonly family: Family
  readonly source: bigint
  readonly destination: bigint
  readonly protocol: number
  /** For ICMP the type. */
  readonly sourcePort: number
  /** For ICMP the code. */
  readonly destinationPort: number
  /** TCP flags; SYN unless given. */
  readonly flags?: number
}

const SYN = 0x02
const ipBytes = { 4: 20, 6: 40 } as const
const etherType = { 4: 0x0800, 6: 0x86dd } as const
const TTL = 64

/** The frame of a flow, with its checksums. */
export function frameOf(flow: Flow): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES)
  writeMac(frame, 0, mac.host)
  writeMac(frame, 6, mac.peer)
  new DataView(frame.buffer).setUint16(12, etherType[flow.family])
  const packet = frame.subarray(ETHERNET_BYTES)
  if (flow.family === 4) writeIpv4(packet, flow)
  else writeIpv6(packet, flow)
  writeTransport(packet, flow)
  return frame
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const writeMac = (frame: Uint8Array, at: number, text: string): void =>
  frame.set(
    text.split(':').map(byte => Number.parseInt(byte, 16)),
    at,
  )

/** RFC 791. */
function writeIpv4(packet: Uint8Array, { protocol, source, destination }: Flow): void {
  const header = view(packet.subarray(0, ipBytes[4]))
  header.setUint8(0, 0x45)
  header.setUint16(2, packet.length)
  header.setUint8(8, TTL)
  header.setUint8(9, protocol)
  header.setUint32(12, Number(source))
  header.setUint32(16, Number(destination))
  header.setUint16(10, checksum(packet.subarray(0, ipBytes[4])))
}

/** RFC 8200. */
function writeIpv6(packet: Uint8Array, { protocol, source, destination }: Flow): void {
  const header = view(packet)
  header.setUint8(0, 0x60)
  header.setUint16(4, packet.length - ipBytes[6])
  header.setUint8(6, protocol)
  header.setUint8(7, TTL)
  header.setBigUint64(8, source >> 64n)
  header.setBigUint64(16, BigInt.asUintN(64, source))
  header.setBigUint64(24, destination >> 64n)
  header.setBigUint64(32, BigInt.asUintN(64, destination))
}

/** Where the checksum lies in a transport header. */
const checksumOffset: ReadonlyMap<number, number> = new Map([
  [protocolNumber.icmp, 2],
  [protocolNumber.tcp, 16],
  [protocolNumber.udp, 6],
  [protocolNumber.icmp6, 2],
])

function writeTransport(packet: Uint8Array, flow: Flow): void {
  const bytes = packet.subarray(ipBytes[flow.family])
  const header = view(bytes)
  if (flow.protocol === protocolNumber.icmp || flow.protocol === protocolNumber.icmp6) {
    header.setUint8(0, flow.sourcePort)
    header.setUint8(1, flow.destinationPort)
  } else {
    header.setUint16(0, flow.sourcePort)
    header.setUint16(2, flow.destinationPort)
  }
  if (flow.protocol === protocolNumber.udp) header.setUint16(4, bytes.length)
  if (flow.protocol === protocolNumber.tcp) {
    header.setUint8(12, 0x50)
    header.setUint8(13, flow.flags ?? SYN)
    header.setUint16(14, 0xffff)
  }
  const at = checksumOffset.get(flow.protocol)
  if (at !== undefined) header.setUint16(at, checksum(bytes, pseudoHeaderSum(flow, bytes.length)))
}

/** Of the addresses, the length and the protocol (RFC 768, RFC 8200 section 8.1); ICMP over IPv4 has none. */
function pseudoHeaderSum({ protocol, source, destination }: Flow, length: number): number {
  if (protocol === protocolNumber.icmp) return 0
  let sum = protocol + length
  for (const address of [source, destination])
    for (let rest = address; rest > 0n; rest >>= 16n) sum += Number(rest & 0xffffn)
  return sum
}

/** The internet checksum (RFC 1071) of an even number of bytes, on top of a sum. */
function checksum(bytes: Uint8Array, initial = 0): number {
  const words = view(bytes)
  let sum = initial
  for (let at = 0; at < bytes.length; at += 2) sum += words.getUint16(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
