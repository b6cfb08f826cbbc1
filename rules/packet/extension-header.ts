import type { Packet } from '../packet.ts'
import { extension, headerLength, isLast, leastSize } from './ipv6.ts'

/** Where a header begins, or why it is not found: the packet has none, or ends inside of its extension headers. */
export type HeaderPlace = number | 'absent' | 'cut off'

/** Looks for a header by its number among those of an IPv6 packet, as ipv6_find_hdr does (net/ipv6/exthdrs_core.c). */
export function findHeader({ bytes }: Packet, wanted: number): HeaderPlace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let header = view.getUint8(6)
  for (let at = 40; ; ) {
    if (isLast(header)) return header === wanted ? at : 'absent'
    if (at + leastSize(header) > bytes.length) return 'cut off'
    if (header === wanted) return at
    // behind a later fragment's header lies the middle of a datagram
    if (header === extension.fragment && (view.getUint16(at + 2) & ~7) !== 0) return 'absent'
    const next = view.getUint8(at)
    at += headerLength(header, view.getUint8(at + 1))
    header = next
  }
}
