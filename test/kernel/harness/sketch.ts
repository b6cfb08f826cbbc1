import { type ConntrackState, type Family, printAddress } from 'iptables-parser'
import { type Ip4, type Ip6, type Layer, type Packet, tcpFlags } from '../../packet/layer.ts'
import { hostMac, peerMac } from '../../packet/link.ts'
import type { Path } from './probe.ts'

/** What rules can ask of a packet, field by field; fields that its protocol has no use for are not sent. */
export interface Sketch {
  readonly hook: Path['hook']
  /** '' in OUTPUT. */
  readonly inDevice: string
  /** '' in INPUT. */
  readonly outDevice: string
  readonly source: bigint
  readonly destination: bigint
  readonly protocol: number
  readonly sport: number
  readonly dport: number
  /** Bit 0 is FIN, bit 7 CWR. */
  readonly tcpFlags: number
  /** The kind of the one TCP option sent; 0 for none. */
  readonly tcpOption: number
  readonly icmpType: number
  readonly icmpCode: number
  /** Of the MSS option, which is sent before the other; none if left out. */
  readonly mss?: number
  readonly dccpType: number
  /** Of ESP and AH; its lower half is what IPComp has of it. */
  readonly spi: number
  /** Time to live or hop limit, as sent. */
  readonly ttl: number
  /** Type of service or traffic class. */
  readonly tos: number
  /** Bytes behind the transport header. */
  readonly payload: number
  /** In hex, what stands behind the header of SCTP or DCCP instead of the payload. */
  readonly list?: string
  /** Of DCCP, in 4 bytes: where its options end. */
  readonly dccpOffset?: number
  /** Where the frame comes from and what it is sent to, unless it is sent from inside. */
  readonly mac: string
  readonly cast: 'unicast' | 'broadcast' | 'multicast'
  /** Extension headers; only IPv6 has them, and only in front of a header of the sketch's protocol. */
  readonly extensions?: readonly Layer[]
  /** A second fragment, of which nobody has the first. */
  readonly fragment: boolean
  /** What conntrack is to make of it, by the packets sent before. */
  readonly state: ConntrackState
}

export const pathOf = ({ hook, inDevice, outDevice }: Sketch): Path => {
  switch (hook) {
    case 'INPUT':
      return { hook, device: inDevice }
    case 'OUTPUT':
      return { hook, device: outDevice }
    case 'FORWARD':
      return { hook, device: inDevice, out: outDevice }
  }
}

/** The time to live that the filter table sees: one less where the packet has been forwarded. */
export const ttlAt = ({ hook, ttl }: Sketch): number => (hook === 'FORWARD' ? ttl - 1 : ttl)

/** Whether it comes in an Ethernet frame. */
export const isFramed = ({ hook, inDevice }: Sketch): boolean => hook !== 'OUTPUT' && inDevice !== 'lo'

/** The same, sent by the other end: addresses and ports swapped. */
export const reversed = (sketch: Sketch): Sketch => ({
  ...sketch,
  source: sketch.destination,
  destination: sketch.source,
  sport: sketch.dport,
  dport: sketch.sport,
})

export const ipLayer = (family: Family, { source, destination, ttl, tos }: Sketch): Ip4 | Ip6 => {
  const addresses = { src: printAddress(family, source), dst: printAddress(family, destination) }
  return family === 4
    ? { kind: 'ip', ...addresses, ttl, tos }
    : { kind: 'ip6', ...addresses, hop: ttl, tclass: tos }
}

const carrying = (ip: Ip4 | Ip6, protocol: number): Layer =>
  ip.kind === 'ip' ? { ...ip, proto: protocol } : { ...ip, next: protocol }

/** One option of two bytes and, as far as its kind has one, a length; padded by the encoder. */
const optionHex = (kind: number): string =>
  kind < 2 ? `0${kind}` : `${kind.toString(16).padStart(2, '0')}02`

const mssHex = (mss: number): string => `0204${mss.toString(16).padStart(4, '0')}`

const tcpLayer = ({ sport, dport, tcpFlags: bits, tcpOption, mss }: Sketch): Layer => {
  const options = [
    ...(mss === undefined ? [] : [mssHex(mss)]),
    ...(tcpOption === 0 ? [] : [optionHex(tcpOption)]),
  ]
  return {
    kind: 'tcp',
    sport,
    dport,
    flags: tcpFlags.filter((_, bit) => bits & (1 << bit)),
    ...(options.length === 0 ? {} : { options: options.join('') }),
  }
}

/** Next header, flags and the compression parameter index (RFC 3173). */
const ipcompLayer = ({ spi }: Sketch): Layer => ({
  kind: 'raw',
  hex: `3b00${(spi & 0xffff).toString(16).padStart(4, '0')}`,
})

/** The header of a sketch's protocol; undefined for those that have none here and go by their number. */
const transportLayer = (family: Family, sketch: Sketch): Layer | undefined => {
  const { protocol, sport, dport, icmpType: type, icmpCode: code } = sketch
  switch (protocol) {
    case 1:
      return family === 4 ? { kind: 'icmp', type, code } : { kind: 'icmp' }
    case 6:
      return tcpLayer(sketch)
    case 17:
      return { kind: 'udp', sport, dport }
    case 33:
      return {
        kind: 'dccp',
        sport,
        dport,
        type: sketch.dccpType,
        ...(sketch.dccpOffset === undefined ? {} : { offset: sketch.dccpOffset }),
      }
    case 50:
      return { kind: 'esp', spi: sketch.spi }
    case 51:
      return { kind: 'ah', spi: sketch.spi }
    case 58:
      return { kind: 'icmp6', type, code }
    case 108:
      return ipcompLayer(sketch)
    case 132:
      return { kind: 'sctp', sport, dport }
    case 136:
      return { kind: 'udplite', sport, dport }
    default:
      return undefined
  }
}

const castMac = { unicast: hostMac, broadcast: 'ff:ff:ff:ff:ff:ff', multicast: '01:00:5e:00:00:01' } as const

const etherLayer = ({ mac, cast }: Sketch): Layer => ({
  kind: 'ether',
  ...(mac === peerMac ? {} : { src: mac }),
  ...(cast === 'unicast' ? {} : { dst: castMac[cast] }),
})

const hasList = ({ protocol }: Sketch): boolean => protocol === 33 || protocol === 132

const payloadOf = (sketch: Sketch): Layer =>
  sketch.list !== undefined && hasList(sketch)
    ? { kind: 'raw', hex: sketch.list }
    : { kind: 'raw', zeros: sketch.payload }

/** The packet a sketch is of. */
export const packetOf = (family: Family, sketch: Sketch): Packet => {
  const ether = etherLayer(sketch)
  const payload = payloadOf(sketch)
  const ip = ipLayer(family, sketch)
  if (sketch.fragment)
    return ip.kind === 'ip'
      ? [ether, { ...ip, proto: sketch.protocol, offset: 3 }, payload]
      : [ether, ip, { kind: 'frag', next: sketch.protocol, offset: 3 }, payload]
  const transport = transportLayer(family, sketch)
  if (transport === undefined) return [ether, carrying(ip, sketch.protocol), payload]
  if (transport.kind === 'raw') return [ether, carrying(ip, sketch.protocol), transport, payload]
  const extensions = ip.kind === 'ip6' ? (sketch.extensions ?? []) : []
  return [ether, ip, ...extensions, transport, payload]
}
