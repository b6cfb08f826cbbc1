import { align, concat, fields, fromHex, withWord } from './bytes.ts'
import { crc32c, internetChecksum } from './checksum.ts'
import type { Dccp, Esp, Icmp, Icmp6, Ip4, Ip6, Raw, Sctp, Tcp, Udp, UdpLite } from './layer.ts'
import { tcpFlags } from './layer.ts'
import { protocolOf, pseudoHeader } from './network.ts'

/** The innermost IP header around a transport header, if there is one. */
export type Around = Ip4 | Ip6 | undefined

type Checksummed = Tcp | Udp | UdpLite | Dccp | Icmp6

/**
 * `segment` with the checksum at `offset` filled in: the layer's own, or that over the pseudo header and
 * the first `covered` bytes.
 */
const withChecksum = (
  layer: Checksummed,
  segment: Uint8Array,
  offset: number,
  around: Around,
  covered = segment.length,
): Uint8Array => {
  const pseudo =
    around === undefined ? new Uint8Array() : pseudoHeader(around, protocolOf(layer), segment.length)
  return withWord(
    segment,
    offset,
    layer.check ?? internetChecksum(concat(pseudo, segment.subarray(0, covered))),
  )
}

const ports = (layer: Tcp | Udp | UdpLite | Sctp | Dccp): Uint8Array =>
  fields([layer.sport ?? 40000, 2], [layer.dport ?? 80, 2])

/** A SYN by default (RFC 9293 §3.1). */
export const encodeTcp = (layer: Tcp, payload: Uint8Array, around: Around): Uint8Array => {
  const options = align(fromHex(layer.options ?? ''), 4)
  const flags = (layer.flags ?? ['syn']).reduce((bits, flag) => bits | (1 << tcpFlags.indexOf(flag)), 0)
  const segment = concat(
    ports(layer),
    fields(
      [layer.seq ?? 1, 4],
      [layer.acknum ?? 0, 4],
      [(layer.offset ?? 5 + options.length / 4) << 4, 1],
      [flags, 1],
      [layer.window ?? 65535, 2],
      [0, 2],
      [layer.urgent ?? 0, 2],
    ),
    options,
    payload,
  )
  return withChecksum(layer, segment, 16, around)
}

/** A computed checksum of zero is sent as all ones (RFC 768). */
export const encodeUdp = (layer: Udp, payload: Uint8Array, around: Around): Uint8Array => {
  const segment = concat(ports(layer), fields([layer.length ?? 8 + payload.length, 2], [0, 2]), payload)
  const filled = withChecksum(layer, segment, 6, around)
  return layer.check === undefined && filled[6] === 0 && filled[7] === 0
    ? withWord(filled, 6, 0xffff)
    : filled
}

/** RFC 3828. */
export const encodeUdpLite = (layer: UdpLite, payload: Uint8Array, around: Around): Uint8Array => {
  const segment = concat(ports(layer), fields([layer.coverage ?? 0, 2], [0, 2]), payload)
  return withChecksum(layer, segment, 6, around, layer.coverage || segment.length)
}

/** The common header; chunks are the payload (RFC 9260 §3). */
export const encodeSctp = (layer: Sctp, payload: Uint8Array): Uint8Array => {
  const packet = (check: number): Uint8Array =>
    concat(ports(layer), fields([layer.tag ?? 1, 4], [check, 4]), payload)
  return packet(layer.check ?? crc32c(packet(0)))
}

/** A request without service code's data, extended sequence numbers (RFC 4340 §5.1). */
export const encodeDccp = (layer: Dccp, payload: Uint8Array, around: Around): Uint8Array => {
  const extended = 1
  const segment = concat(
    ports(layer),
    fields(
      [layer.offset ?? 5, 1],
      [0, 1],
      [0, 2],
      [((layer.type ?? 0) << 1) | extended, 1],
      [0, 1],
      [0, 2],
      [layer.seq ?? 1, 4],
      [0, 4],
    ),
    payload,
  )
  return withChecksum(layer, segment, 6, around)
}

const messageHeader = (layer: Icmp | Icmp6, type: number): Uint8Array =>
  fields([layer.type ?? type, 1], [layer.code ?? 0, 1], [0, 2], [layer.rest ?? 0x00010001, 4])

/** An echo request by default (RFC 792). */
export const encodeIcmp = (layer: Icmp, payload: Uint8Array): Uint8Array => {
  const message = concat(messageHeader(layer, 8), payload)
  return withWord(message, 2, layer.check ?? internetChecksum(message))
}

/** An echo request by default (RFC 4443). */
export const encodeIcmp6 = (layer: Icmp6, payload: Uint8Array, around: Around): Uint8Array =>
  withChecksum(layer, concat(messageHeader(layer, 128), payload), 2, around)

/** RFC 4303: what is encrypted is the payload. */
export const encodeEsp = (layer: Esp, payload: Uint8Array): Uint8Array =>
  concat(fields([layer.spi ?? 256, 4], [layer.seq ?? 1, 4]), payload)

export const encodeRaw = (layer: Raw, payload: Uint8Array): Uint8Array =>
  concat(fromHex(layer.hex ?? ''), new Uint8Array(layer.zeros ?? 0), payload)
