import { build } from './build.ts'
import { toHex } from './bytes.ts'
import type { Ip4, Ip6, Layer, Packet } from './layer.ts'
import { protocolOf } from './network.ts'

/** One fragment's piece of the datagram: its first byte, in 8-byte units, and its bytes. */
interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly more: boolean
}

const pieces = (datagram: Uint8Array, size: number): readonly Piece[] => {
  const unit = Math.floor(size / 8) * 8
  return Array.from({ length: Math.ceil(datagram.length / unit) }, (_, index) => {
    const start = index * unit
    return {
      offset: start / 8,
      bytes: datagram.subarray(start, start + unit),
      more: start + unit < datagram.length,
    }
  })
}

const fragment4 = (layer: Ip4, proto: number, { offset, bytes, more }: Piece): readonly Layer[] => [
  { ...layer, proto, offset, flags: more ? ['mf'] : [] },
  { kind: 'raw', hex: toHex(bytes) },
]

const fragment6 = (
  layer: Ip6,
  next: number,
  id: number,
  { offset, bytes, more }: Piece,
): readonly Layer[] => [
  layer,
  { kind: 'frag', next, offset, more: more ? 1 : 0, id },
  { kind: 'raw', hex: toHex(bytes) },
]

/** The bytes of the layers after `index`, with checksums over the IP header at `index`. */
const payloadOf = (packet: Packet, index: number): Uint8Array => {
  const inside = packet.slice(index)
  return build(inside).subarray(build(inside.slice(0, 1)).length)
}

/**
 * The packet as fragments of at most `size` bytes of payload each (rounded down to 8), checksums being
 * those of the whole. IPv6 gets a fragment header right after the fixed one, with `id`.
 */
export const fragments = (packet: Packet, size: number, id = 1): readonly Packet[] => {
  const index = packet.findIndex(layer => layer.kind === 'ip' || layer.kind === 'ip6')
  const layer = packet[index]
  if (size < 8 || (layer?.kind !== 'ip' && layer?.kind !== 'ip6')) {
    throw new RangeError('fragments of at least 8 bytes of an IP packet')
  }
  const protocol = protocolOf(packet[index + 1])
  return pieces(payloadOf(packet, index), size).map(piece => [
    ...packet.slice(0, index),
    ...(layer.kind === 'ip'
      ? fragment4({ ...layer, id }, protocol, piece)
      : fragment6(layer, protocol, id, piece)),
  ])
}
