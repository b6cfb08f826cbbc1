import { ipv4Bytes, ipv6Bytes } from './address.ts'
import { align, concat, fields, fromHex, withWord } from './bytes.ts'
import { internetChecksum } from './checksum.ts'
import type { Ah, DestinationOptions, Fragment6, HopByHop, Ip4, Ip6, Layer, Routing } from './layer.ts'
import { ipFlags } from './layer.ts'

const noNextHeader = 59

/** Protocol numbers (IANA); bytes of no protocol get 253, for experiments (RFC 3692). */
const protocolNumbers = {
  hopopt: 0,
  icmp: 1,
  ip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ip6: 41,
  route: 43,
  frag: 44,
  esp: 50,
  ah: 51,
  icmp6: 58,
  dstopt: 60,
  sctp: 132,
  udplite: 136,
  raw: 253,
} as const

/** The IP protocol number of a layer; "no next header" where there is none. */
export const protocolOf = (layer: Layer | undefined): number => {
  if (layer === undefined) return noNextHeader
  const { kind } = layer
  if (kind === 'ether' || kind === 'vlan' || kind === 'arp') throw new RangeError(`${kind} inside IP`)
  return protocolNumbers[kind]
}

const sourceOf = (layer: Ip4 | Ip6): Uint8Array =>
  layer.kind === 'ip' ? ipv4Bytes(layer.src ?? '192.0.2.1') : ipv6Bytes(layer.src ?? '2001:db8::1')

const destinationOf = (layer: Ip4 | Ip6): Uint8Array =>
  layer.kind === 'ip' ? ipv4Bytes(layer.dst ?? '192.0.2.2') : ipv6Bytes(layer.dst ?? '2001:db8::2')

/**
 * The pseudo header of transport checksums (RFC 9293 §3.1, RFC 8200 §8.1) for the addresses in the IP header;
 * a routing header's final destination is not looked for.
 */
export const pseudoHeader = (around: Ip4 | Ip6, protocol: number, length: number): Uint8Array =>
  concat(
    sourceOf(around),
    destinationOf(around),
    around.kind === 'ip' ? fields([protocol, 2], [length, 2]) : fields([length, 4], [protocol, 4]),
  )

/** TTL 64, identification 1, no flags by default. The checksum covers what the header length says. */
export const encodeIp4 = (layer: Ip4, payload: Uint8Array, next: Layer | undefined): Uint8Array => {
  const options = align(fromHex(layer.options ?? ''), 4)
  const flags = (layer.flags ?? []).reduce((bits, flag) => bits | (0x2000 << ipFlags.indexOf(flag)), 0)
  const header = concat(
    fields(
      [((layer.version ?? 4) << 4) | (layer.ihl ?? 5 + options.length / 4), 1],
      [layer.tos ?? 0, 1],
      [layer.length ?? 20 + options.length + payload.length, 2],
      [layer.id ?? 1, 2],
      [flags | (layer.offset ?? 0), 2],
      [layer.ttl ?? 64, 1],
      [layer.proto ?? protocolOf(next), 1],
      [0, 2],
    ),
    sourceOf(layer),
    destinationOf(layer),
    options,
  )
  const packet = concat(header, payload)
  const covered = packet.subarray(0, layer.ihl === undefined ? header.length : layer.ihl * 4)
  return withWord(packet, 10, layer.check ?? internetChecksum(covered))
}

/** Hop limit 64 by default. */
export const encodeIp6 = (layer: Ip6, payload: Uint8Array, next: Layer | undefined): Uint8Array =>
  concat(
    fields(
      [((layer.version ?? 6) << 28) | ((layer.tclass ?? 0) << 20) | (layer.flow ?? 0), 4],
      [layer.length ?? payload.length, 2],
      [layer.next ?? protocolOf(next), 1],
      [layer.hop ?? 64, 1],
    ),
    sourceOf(layer),
    destinationOf(layer),
    payload,
  )

/** An extension header: next header, length in 8-byte units without the first, then `body` padded to fit. */
const extension = (
  layer: HopByHop | DestinationOptions | Routing,
  body: Uint8Array,
  payload: Uint8Array,
  next: Layer | undefined,
): Uint8Array => {
  const header = align(concat(new Uint8Array(2), body), 8)
  header[0] = layer.next ?? protocolOf(next)
  header[1] = layer.len ?? header.length / 8 - 1
  return concat(header, payload)
}

/** One PadN option over the six bytes after the first two (RFC 8200 §4.2). */
const padding = '010400000000'

export const encodeOptions = (
  layer: HopByHop | DestinationOptions,
  payload: Uint8Array,
  next: Layer | undefined,
): Uint8Array => extension(layer, fromHex(layer.options ?? padding), payload, next)

/** Type 2, no segments left, one zero address by default (RFC 8200 §4.4, RFC 6275 §6.4). */
export const encodeRouting = (layer: Routing, payload: Uint8Array, next: Layer | undefined): Uint8Array => {
  const data = layer.data === undefined ? new Uint8Array(20) : fromHex(layer.data)
  return extension(layer, concat(fields([layer.type ?? 2, 1], [layer.left ?? 0, 1]), data), payload, next)
}

export const encodeFragment = (
  layer: Fragment6,
  payload: Uint8Array,
  next: Layer | undefined,
): Uint8Array => {
  const position = ((layer.offset ?? 0) << 3) | (layer.more ?? 0)
  return concat(
    fields([layer.next ?? protocolOf(next), 1], [0, 1], [position, 2], [layer.id ?? 1, 4]),
    payload,
  )
}

/** RFC 4302: the length counts 4-byte words less two. A 12-byte integrity check value by default. */
export const encodeAh = (layer: Ah, payload: Uint8Array, next: Layer | undefined): Uint8Array => {
  const icv = layer.icv === undefined ? new Uint8Array(12) : align(fromHex(layer.icv), 4)
  return concat(
    fields(
      [layer.next ?? protocolOf(next), 1],
      [layer.len ?? (12 + icv.length) / 4 - 2, 1],
      [0, 2],
      [layer.spi ?? 256, 4],
      [layer.seq ?? 1, 4],
    ),
    icv,
    payload,
  )
}
