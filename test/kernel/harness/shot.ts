import type { Family } from 'iptables-parser'
import type { Layer, Packet } from '../../packet/layer.ts'
import { backOf } from './flow.ts'
import { answered, asked, type Nat, outerSource } from './nat.ts'
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
const question = (sketch: Sketch): Sketch => ({
  ...reversed(opening(sketch)),
  icmpType: echoHalf.get(sketch.icmpType) ?? sketch.icmpType,
})

/** From the other end, as the answer to a connection that the sketch goes on with. */
const answer = (sketch: Sketch): Sketch => ({ ...question(sketch), tcpFlags: syn | ack })

/** Where probes go to: what the filter table is to see of them, and who translates addresses before it does. */
export interface Range {
  readonly family: Family
  readonly nat: Nat | undefined
}

/** A probe around a sketch's own, `back` if it comes from where the sketch goes to; `sketch` is as it is sent. */
const beside = (family: Family, shot: Sketch, sketch: Sketch, name: string, back: boolean): Probe => ({
  name,
  packet: packetOf(family, sketch),
  path: back ? backOf(pathOf(shot)) : pathOf(shot),
  flow: name,
})

/** The datagram from the other end that an ICMP error complains of. */
const complainedOf = (sketch: Sketch): Sketch => ({ ...reversed(opening(sketch)), protocol: udp })

/** Bytes of data, of an error as of what it quotes, so that it goes through any device. */
const MOST_QUOTED = 500

const relatedPacket = ({ family, nat }: Range, whole: Sketch): Packet => {
  const sketch = { ...whole, payload: Math.min(whole.payload, MOST_QUOTED) }
  const [ether, ip, error] = packetOf(family, answered(nat, sketch))
  const complained = complainedOf(sketch)
  const [, ...quoted] = packetOf(family, { ...complained, source: outerSource(nat, complained.source) })
  const message: Layer | undefined =
    error?.kind === 'icmp' || error?.kind === 'icmp6' ? { ...error, rest: 0 } : error
  return [ether, ip, message].flatMap(layer => (layer === undefined ? [] : [layer])).concat(quoted)
}

/** What is sent first so that conntrack sees the sketch in its state, if the firewall lets it through; the sketch then. */
const connection = (random: Random, { family, nat }: Range, sketch: Sketch, name: string) => {
  const goesOn = icmpProtocols.includes(sketch.protocol) && echoRequests.includes(sketch.icmpType)
  if (!goesOn && random.chance(0.5)) {
    const first = beside(family, sketch, asked(nat, question(sketch)), name, true)
    return [first, beside(family, sketch, answered(nat, sketch), name, false)]
  }
  return [
    beside(family, sketch, asked(nat, opening(sketch)), name, false),
    beside(family, sketch, answered(nat, answer(sketch)), name, true),
    beside(family, sketch, asked(nat, sketch), name, false),
  ]
}

/** The sketch as a probe, with those that must be sent before it. */
export const probesOf = (random: Random, range: Range, sketch: Sketch, name: string): readonly Probe[] => {
  const { family, nat } = range
  if (isError(sketch))
    return [
      beside(family, sketch, asked(nat, complainedOf(sketch)), name, true),
      { name, packet: relatedPacket(range, sketch), path: pathOf(sketch), flow: name },
    ]
  if (sketch.state === 'ESTABLISHED') return connection(random, range, sketch, name)
  return [{ name, packet: packetOf(family, asked(nat, sketch)), path: pathOf(sketch) }]
}

/** The sketch as a probe, and the connection going on from there: answered, and continued. */
export const continued = ({ family, nat }: Range, sketch: Sketch, name: string): readonly Probe[] => [
  beside(family, sketch, asked(nat, sketch), name, false),
  beside(family, sketch, answered(nat, answer(sketch)), name, true),
  beside(family, sketch, asked(nat, { ...sketch, tcpFlags: ack }), name, false),
]
