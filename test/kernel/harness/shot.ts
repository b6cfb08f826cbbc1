import type { Family } from 'iptables-parser'
import type { Ip4, Ip6, Layer, Packet } from '../../packet/layer.ts'
import { backOf } from './flow.ts'
import type { Probe } from './probe.ts'
import type { Random } from './random.ts'
import { packetOf, pathOf, reversed, type Sketch } from './sketch.ts'

const syn = 2
const ack = 16
const udp = 17

const isError = ({ state }: Sketch): boolean => state === 'RELATED'

/** As the first packet of a connection. */
const opening = (sketch: Sketch): Sketch => ({
  ...sketch,
  tcpFlags: syn,
  tcpOption: 0,
  fragment: false,
  state: 'NEW',
})

const icmpProtocols: readonly number[] = [1, 58]
const echoRequests: readonly number[] = [8, 128]
/** The other half of an echo: requests and replies, in both families. */
const echoHalf: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [128, 129],
  [129, 128],
])

/** From the other end, as the first packet of a connection that the sketch answers. */
const asked = (sketch: Sketch): Sketch => ({
  ...reversed(opening(sketch)),
  icmpType: echoHalf.get(sketch.icmpType) ?? sketch.icmpType,
})

/** From the other end, as the answer to a connection that the sketch goes on with. */
const answer = (sketch: Sketch): Sketch => ({ ...asked(sketch), tcpFlags: syn | ack })

/** A probe around a sketch's own, `back` if it comes from where the sketch goes to. */
const beside = (family: Family, shot: Sketch, sketch: Sketch, name: string, back: boolean): Probe => ({
  name,
  packet: packetOf(family, sketch),
  path: back ? backOf(pathOf(shot)) : pathOf(shot),
  flow: name,
})

/** The datagram from the other end that an ICMP error complains of. */
const complainedOf = (sketch: Sketch): Sketch => ({ ...reversed(opening(sketch)), protocol: udp })

const relatedPacket = (family: Family, sketch: Sketch): Packet => {
  const [ether, ip, error] = packetOf(family, sketch)
  const [, ...quoted] = packetOf(family, complainedOf(sketch))
  const message: Layer | undefined =
    error?.kind === 'icmp' || error?.kind === 'icmp6' ? { ...error, rest: 0 } : error
  return [ether, ip, message].flatMap(layer => (layer === undefined ? [] : [layer])).concat(quoted)
}

/** What is sent first so that conntrack sees the sketch in its state, if the firewall lets it through. */
const history = (random: Random, family: Family, sketch: Sketch, name: string): readonly Probe[] => {
  if (isError(sketch)) return [beside(family, sketch, complainedOf(sketch), name, true)]
  if (sketch.state !== 'ESTABLISHED') return []
  const goesOn = icmpProtocols.includes(sketch.protocol) && echoRequests.includes(sketch.icmpType)
  if (!goesOn && random.chance(0.5)) return [beside(family, sketch, asked(sketch), name, true)]
  return [
    beside(family, sketch, opening(sketch), name, false),
    beside(family, sketch, answer(sketch), name, true),
  ]
}

/** The sketch as a probe, with those that must be sent before it. */
export const probesOf = (random: Random, family: Family, sketch: Sketch, name: string): readonly Probe[] => {
  const packet = isError(sketch) ? relatedPacket(family, sketch) : packetOf(family, sketch)
  const first = history(random, family, sketch, name)
  return [...first, { name, packet, path: pathOf(sketch), ...(first.length === 0 ? {} : { flow: name }) }]
}

/** The sketch as a probe, and the connection going on from there: answered, and continued. */
export const continued = (family: Family, sketch: Sketch, name: string): readonly Probe[] => [
  beside(family, sketch, sketch, name, false),
  beside(family, sketch, answer(sketch), name, true),
  beside(family, sketch, { ...sketch, tcpFlags: ack }, name, false),
]

/** A packet with one layer, given by its place, changed. */
const onLayer = (packet: Packet, place: number, change: (layer: Layer) => Layer): Packet =>
  packet.map((layer, index) => (index === place ? change(layer) : layer))

const onIp4 = (packet: Packet, changes: Partial<Omit<Ip4, 'kind'>>): Packet =>
  packet.map(layer => (layer.kind === 'ip' ? { ...layer, ...changes } : layer))

const onIp6 = (packet: Packet, changes: Partial<Omit<Ip6, 'kind'>>): Packet =>
  packet.map(layer => (layer.kind === 'ip6' ? { ...layer, ...changes } : layer))

const behind = (packet: Packet, kind: Layer['kind'], added: Layer): Packet =>
  packet.flatMap(layer => (layer.kind === kind ? [layer, added] : [layer]))

/** Ways in which a packet is odd; what rules ask of it is still there, though maybe out of their reach. */
const oddities: readonly ((random: Random, packet: Packet) => Packet)[] = [
  (random, packet) => onLayer(packet, 2, layer => ({ ...layer, cut: random.below(21) })),
  (_, packet) => onLayer(packet, 0, layer => ({ ...layer, pad: 200 })),
  (_, packet) => onIp6(onIp4(packet, { ttl: 1 }), { hop: 1 }),
  (_, packet) => onIp4(behind(packet, 'ip6', { kind: 'frag', more: 1 }), { flags: ['mf'] }),
  (_, packet) => onIp4(behind(packet, 'ip6', { kind: 'dstopt' }), { options: '01010101' }),
  (_, packet) => behind(packet, 'ether', { kind: 'vlan', vid: 0 }),
]

/** The packet made odd in one way. */
export const oddly = (random: Random, packet: Packet): Packet => random.pick(oddities)(random, packet)
