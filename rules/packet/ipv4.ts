import type { Headers } from '../packet.ts'

/** RFC 791. A packet in a chain has passed ip_rcv, so its header is whole. */
export function ipv4Headers(bytes: Uint8Array): Headers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    source: BigInt(view.getUint32(12)),
    destination: BigInt(view.getUint32(16)),
    protocol: view.getUint8(9),
    fragmentOffset: (view.getUint16(6) & 0x1fff) * 8,
    transport: (view.getUint8(0) & 15) * 4,
  }
}
