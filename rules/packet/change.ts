// What targets of the mangle table change in a packet's header.

import { type Packet, typeOfService } from '../packet.ts'
import { type HopChange, LAST_HOP } from '../value/hop-change.ts'

const CHECKSUM = 10

/** The packet with other bytes from `offset` on, and in IPv4 the header checksum brought up to date. */
function write(packet: Packet, offset: number, values: readonly number[]): Packet {
  const bytes = packet.bytes.slice()
  bytes.set(values, offset)
  if (packet.family === 4) updateChecksum(packet.bytes, bytes, offset & ~1)
  return { ...packet, bytes }
}

/** RFC 1624, equation 3, for the 16-bit word at `offset`. */
function updateChecksum(before: Uint8Array, after: Uint8Array, offset: number): void {
  const [from, to] = [before, after].map(
    bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  )
  if (!from || !to) return
  const complement = (at: number): number => ~from.getUint16(at) & 0xffff
  const sum = complement(CHECKSUM) + complement(offset) + to.getUint16(offset)
  const folded = (sum & 0xffff) + (sum >>> 16)
  to.setUint16(CHECKSUM, ~((folded & 0xffff) + (folded >>> 16)) & 0xffff)
}

/** With another type of service, or traffic class. */
export function withTypeOfService(packet: Packet, change: (tos: number) => number): Packet {
  const tos = change(typeOfService(packet))
  const [first = 0, second = 0] = packet.bytes
  if (packet.family === 4) return write(packet, 1, [tos])
  return write(packet, 0, [(first & 0xf0) | (tos >> 4), ((tos & 15) << 4) | (second & 15)])
}

/** With another TTL, or hop limit. */
export function withHops(packet: Packet, { change, hops }: HopChange): Packet {
  const offset = packet.family === 4 ? 8 : 7
  const now = packet.bytes[offset] ?? 0
  const next = change === 'set' ? hops : change === 'inc' ? now + hops : now - hops
  return write(packet, offset, [Math.min(Math.max(next, 0), LAST_HOP)])
}
