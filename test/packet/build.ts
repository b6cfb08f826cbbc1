import { resize } from './bytes.ts'
import type { Layer, LayerKind, LayerOf, Packet } from './layer.ts'
import { encodeArp, encodeEther, encodeVlan } from './link.ts'
import { encodeAh, encodeFragment, encodeIp4, encodeIp6, encodeOptions, encodeRouting } from './network.ts'
import type { Around } from './transport.ts'
import {
  encodeDccp,
  encodeEsp,
  encodeIcmp,
  encodeIcmp6,
  encodeRaw,
  encodeSctp,
  encodeTcp,
  encodeUdp,
  encodeUdpLite,
} from './transport.ts'

/** Where a layer stands: the layer it contains, and the IP header around it. */
interface Place {
  readonly next: Layer | undefined
  readonly around: Around
}

type Encoders = {
  readonly [K in LayerKind]: (layer: LayerOf<K>, payload: Uint8Array, place: Place) => Uint8Array
}

const encoders: Encoders = {
  ether: (layer, payload, { next }) => encodeEther(layer, payload, next),
  vlan: (layer, payload, { next }) => encodeVlan(layer, payload, next),
  arp: encodeArp,
  ip: (layer, payload, { next }) => encodeIp4(layer, payload, next),
  ip6: (layer, payload, { next }) => encodeIp6(layer, payload, next),
  hopopt: (layer, payload, { next }) => encodeOptions(layer, payload, next),
  dstopt: (layer, payload, { next }) => encodeOptions(layer, payload, next),
  route: (layer, payload, { next }) => encodeRouting(layer, payload, next),
  frag: (layer, payload, { next }) => encodeFragment(layer, payload, next),
  ah: (layer, payload, { next }) => encodeAh(layer, payload, next),
  esp: encodeEsp,
  tcp: (layer, payload, { around }) => encodeTcp(layer, payload, around),
  udp: (layer, payload, { around }) => encodeUdp(layer, payload, around),
  udplite: (layer, payload, { around }) => encodeUdpLite(layer, payload, around),
  sctp: encodeSctp,
  dccp: (layer, payload, { around }) => encodeDccp(layer, payload, around),
  icmp: encodeIcmp,
  icmp6: (layer, payload, { around }) => encodeIcmp6(layer, payload, around),
  raw: encodeRaw,
}

/** Generic in the kind so that the encoder and its layer are seen to belong together. */
const encodeLayer = <K extends LayerKind>(kind: K, layer: LayerOf<K>, payload: Uint8Array, place: Place) =>
  encoders[kind](layer, payload, place)

const extent = (bytes: Uint8Array, { cut, pad }: Layer): Uint8Array => {
  const kept = cut === undefined ? bytes : bytes.subarray(0, cut)
  return resize(kept, Math.max(kept.length, pad ?? 0))
}

const encode = (packet: Packet, index: number, around: Around): Uint8Array => {
  const layer = packet[index]
  if (layer === undefined) return new Uint8Array()
  const inside = layer.kind === 'ip' || layer.kind === 'ip6' ? layer : around
  const payload = encode(packet, index + 1, inside)
  return extent(encodeLayer(layer.kind, layer, payload, { next: packet[index + 1], around }), layer)
}

/** The bytes of a packet. Throws RangeError on an address or hexadecimal that is none. */
export const build = (packet: Packet): Uint8Array => encode(packet, 0, undefined)
