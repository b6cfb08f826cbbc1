import type { Headers } from '../packet.ts'

const HEADER_LENGTH = 40

/** Extension headers that ipv6_find_hdr walks over (net/ipv6/exthdrs_core.c). */
export const extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  none: 59,
  destination: 60,
} as const
const EXTENSIONS: ReadonlySet<number> = new Set(Object.values(extension))

export const isLast = (header: number): boolean => !EXTENSIONS.has(header) || header === extension.none

/** RFC 8200; the walk along the extension headers ends where ipv6_find_hdr(skb, &offset, -1, &fragoff) ends it. */
export function ipv6Headers(bytes: Uint8Array): Headers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const addresses = { source: address(view, 8), destination: address(view, 24) }
  let header = view.getUint8(6)
  let at = HEADER_LENGTH
  while (!isLast(header)) {
    if (at + leastSize(header) > bytes.length)
      return { ...addresses, protocol: undefined, fragmentOffset: 0, transport: at }
    const next = view.getUint8(at)
    if (header === extension.fragment) {
      const fragmentOffset = view.getUint16(at + 2) & ~7
      if (fragmentOffset !== 0) {
        // behind it lies the middle of a datagram: only a protocol right behind counts, and where it lies is not told
        return { ...addresses, protocol: isLast(next) ? next : undefined, fragmentOffset, transport: 0 }
      }
    }
    at += headerLength(header, view.getUint8(at + 1))
    header = next
  }
  return { ...addresses, protocol: header, fragmentOffset: 0, transport: at }
}

/** Bytes of a header that must be there for it to count as one. */
export const leastSize = (header: number): number =>
  header === extension.fragment || header === extension.routing ? 4 : 2

/** Bytes. The authentication header counts in 4, the others in 8 (RFC 4302, RFC 8200). */
export function headerLength(header: number, length: number): number {
  if (header === extension.fragment) return 8
  if (header === extension.authentication) return (length + 2) * 4
  return (length + 1) * 8
}

const address = (view: DataView, offset: number): bigint =>
  (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8)
