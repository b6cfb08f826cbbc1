import { ipv4Bytes, macBytes } from './address.ts'
import { concat, fields } from './bytes.ts'
import type { Arp, Ether, Layer, Vlan } from './layer.ts'

/** The MAC address that every device under test has in the kernel tests, so that a frame need not name it. */
export const hostMac = '02:00:00:00:00:01'

/** The MAC address that frames come from by default. */
export const peerMac = '02:00:00:00:00:02'

/** The local experimental ethertype 1 (IEEE 802), for what has none of its own. */
const experimental = 0x88b5

const etherType = (next: Layer | undefined): number => {
  switch (next?.kind) {
    case 'ip':
      return 0x0800
    case 'arp':
      return 0x0806
    case 'vlan':
      return next.tpid ?? 0x8100
    case 'ip6':
      return 0x86dd
    default:
      return experimental
  }
}

export const encodeEther = (layer: Ether, payload: Uint8Array, next: Layer | undefined): Uint8Array =>
  concat(
    macBytes(layer.dst ?? hostMac),
    macBytes(layer.src ?? peerMac),
    fields([layer.type ?? etherType(next), 2]),
    payload,
  )

/** The tag control information and the type that follows it; the tag's own type is the field before. */
export const encodeVlan = (layer: Vlan, payload: Uint8Array, next: Layer | undefined): Uint8Array => {
  const control = ((layer.pcp ?? 0) << 13) | (layer.vid ?? 0)
  return concat(fields([control, 2], [layer.type ?? etherType(next), 2]), payload)
}

/** RFC 826, for Ethernet and IPv4. A request (op 1) by default. */
export const encodeArp = (layer: Arp, payload: Uint8Array): Uint8Array =>
  concat(
    fields([1, 2], [0x0800, 2], [6, 1], [4, 1], [layer.op ?? 1, 2]),
    macBytes(layer.sha ?? peerMac),
    ipv4Bytes(layer.spa ?? '192.0.2.1'),
    macBytes(layer.tha ?? '00:00:00:00:00:00'),
    ipv4Bytes(layer.tpa ?? '192.0.2.2'),
    payload,
  )
