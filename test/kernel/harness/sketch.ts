import { type ConntrackState, type Family, printAddress } from 'iptables-parser'
import { type Ip4, type Ip6, type Layer, type Packet, tcpFlags } from '../../packet/layer.ts'
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

/** The same, sent by the other end: addresses and ports swapped. */
export const reversed = (sketch: Sketch): Sketch => ({
  ...sketch,
  source: sketch.destination,
  destination: sketch.source,
  sport: sketch.dport,
  dport: sketch.sport,
})

export const ipLayer = (family: Family, sketch: Sketch): Ip4 | Ip6 => ({
  kind: family === 4 ? 'ip' : 'ip6',
  src: printAddress(family, sketch.source),
  dst: printAddress(family, sketch.destination),
})

const carrying = (ip: Ip4 | Ip6, protocol: number): Layer =>
  ip.kind === 'ip' ? { ...ip, proto: protocol } : { ...ip, next: protocol }

/** One option of two bytes and, as far as its kind has one, a length; padded by the encoder. */
const optionHex = (kind: number): string =>
  kind < 2 ? `0${kind}` : `${kind.toString(16).padStart(2, '0')}02`

const tcpLayer = ({ sport, dport, tcpFlags: bits, tcpOption }: Sketch): Layer => ({
  kind: 'tcp',
  sport,
  dport,
  flags: tcpFlags.filter((_, bit) => bits & (1 << bit)),
  ...(tcpOption === 0 ? {} : { options: optionHex(tcpOption) }),
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
      return { kind: 'dccp', sport, dport }
    case 50:
      return { kind: 'esp' }
    case 58:
      return { kind: 'icmp6', type, code }
    case 132:
      return { kind: 'sctp', sport, dport }
    case 136:
      return { kind: 'udplite', sport, dport }
    default:
      return undefined
  }
}

const ether: Layer = { kind: 'ether' }
const payload: Layer = { kind: 'raw', zeros: 24 }

const fragmentOf = (family: Family, sketch: Sketch): Packet => {
  const ip = ipLayer(family, sketch)
  return ip.kind === 'ip'
    ? [ether, { ...ip, proto: sketch.protocol, offset: 3 }, payload]
    : [ether, ip, { kind: 'frag', next: sketch.protocol, offset: 3 }, payload]
}

/** The packet a sketch is of. */
export const packetOf = (family: Family, sketch: Sketch): Packet => {
  if (sketch.fragment) return fragmentOf(family, sketch)
  const ip = ipLayer(family, sketch)
  const transport = transportLayer(family, sketch)
  if (transport !== undefined) return [ether, ip, transport, payload]
  return [ether, carrying(ip, sketch.protocol), payload]
}
