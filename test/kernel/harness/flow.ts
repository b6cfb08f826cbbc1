import type { Family } from 'iptables-parser'
import type { Layer } from '../../packet/layer.ts'
import type { Path, Probe } from './probe.ts'
import { quietPorts } from './topology.ts'

/** Two ends and the paths between them; client and server by who speaks first. */
export interface Conversation {
  readonly name: string
  readonly family: Family
  readonly client: string
  readonly server: string
  /** One of the quiet ports, or the host's own TCP answers a SYN it accepts and resets the connection. */
  readonly clientPort: number
  readonly serverPort: number
  /** Where the client sends to, if that is translated to the server's address and port. */
  readonly asked?: { readonly server: string; readonly serverPort: number }
  /** Where the server answers to, if the client's address is translated. */
  readonly answered?: { readonly client: string }
  /** From the client to the server. */
  readonly there: Path
  readonly back: Path
}

/** How a packet of a conversation is directed, and what it carries behind the IP header. */
interface Turn {
  readonly says: string
  readonly back?: boolean
  readonly layers: readonly Layer[]
}

export type ConversationKind = keyof typeof turnsOf

/** As it is sent. */
const ipHeader = (talk: Conversation, back: boolean): Layer => ({
  kind: talk.family === 4 ? 'ip' : 'ip6',
  src: back ? talk.server : talk.client,
  dst: back ? (talk.answered ?? talk).client : (talk.asked ?? talk).server,
})

const ports = (talk: Conversation, back: boolean) => {
  const { clientPort } = talk
  return back
    ? { sport: talk.serverPort, dport: clientPort }
    : { sport: clientPort, dport: (talk.asked ?? talk).serverPort }
}

/** The same between the ends that the server knows. */
const atServer = (talk: Conversation): Conversation => {
  const { asked: _asked, answered, ...rest } = talk
  return { ...rest, client: (answered ?? talk).client }
}

/** The client's port is the identifier, so that conversations with ports of their own are told apart. */
const echo = ({ family, clientPort }: Conversation, reply: boolean): Layer => {
  const rest = clientPort * 0x10000 + 1
  return family === 4
    ? { kind: 'icmp', type: reply ? 0 : 8, rest }
    : { kind: 'icmp6', type: reply ? 129 : 128, rest }
}

/** Port unreachable. */
const unreachable = (family: Family): Layer =>
  family === 4 ? { kind: 'icmp', type: 3, code: 3, rest: 0 } : { kind: 'icmp6', type: 1, code: 4, rest: 0 }

const clientSeq = 1000
const serverSeq = 5000
const data: Layer = { kind: 'raw', zeros: 10 }

/** A whole connection: handshake, ten bytes, and both ends closing. */
const tcpTurns = (talk: Conversation): readonly Turn[] => {
  const there = (seq: number, acknum: number) =>
    ({ kind: 'tcp', ...ports(talk, false), seq: clientSeq + seq, acknum }) as const
  const back = (seq: number, acknum: number) =>
    ({ kind: 'tcp', ...ports(talk, true), seq: serverSeq + seq, acknum: clientSeq + acknum }) as const
  return [
    { says: 'syn', layers: [{ ...there(0, 0), flags: ['syn'] }] },
    { says: 'syn-ack', back: true, layers: [{ ...back(0, 1), flags: ['syn', 'ack'] }] },
    { says: 'ack', layers: [{ ...there(1, serverSeq + 1), flags: ['ack'] }] },
    { says: 'data', layers: [{ ...there(1, serverSeq + 1), flags: ['psh', 'ack'] }, data] },
    { says: 'data-ack', back: true, layers: [{ ...back(1, 11), flags: ['ack'] }] },
    { says: 'fin', layers: [{ ...there(11, serverSeq + 1), flags: ['fin', 'ack'] }] },
    { says: 'fin-ack', back: true, layers: [{ ...back(1, 12), flags: ['fin', 'ack'] }] },
    { says: 'last-ack', layers: [{ ...there(12, serverSeq + 2), flags: ['ack'] }] },
  ]
}

const udpTurns = (talk: Conversation): readonly Turn[] => [
  { says: 'query', layers: [{ kind: 'udp', ...ports(talk, false) }, data] },
  { says: 'answer', back: true, layers: [{ kind: 'udp', ...ports(talk, true) }, data] },
  { says: 'again', layers: [{ kind: 'udp', ...ports(talk, false) }, data] },
]

const echoTurns = (talk: Conversation): readonly Turn[] => [
  { says: 'request', layers: [echo(talk, false), data] },
  { says: 'reply', back: true, layers: [echo(talk, true), data] },
]

const datagramTo = (talk: Conversation): readonly Layer[] => [{ kind: 'udp', ...ports(talk, false) }, data]

/** A datagram and the ICMP error it is answered with, which quotes what came to the server. */
const relatedTurns = (talk: Conversation): readonly Turn[] => {
  const received = atServer(talk)
  return [
    { says: 'datagram', layers: datagramTo(talk) },
    {
      says: 'error',
      back: true,
      layers: [unreachable(talk.family), ipHeader(received, false), ...datagramTo(received)],
    },
  ]
}

/** Nothing here belongs to a connection, and nothing may begin one. */
const invalidTurns = (talk: Conversation): readonly Turn[] => [
  { says: 'stray-syn-ack', layers: [{ kind: 'tcp', ...ports(talk, false), flags: ['syn', 'ack'] }] },
  { says: 'stray-rst', layers: [{ kind: 'tcp', ...ports(talk, false), flags: ['rst'] }] },
  {
    says: 'stray-error',
    layers: [unreachable(talk.family), ipHeader(talk, true), { kind: 'udp', ...ports(talk, true) }],
  },
  { says: 'stray-reply', layers: [echo(talk, true)] },
]

const turnsOf = {
  tcp: tcpTurns,
  udp: udpTurns,
  echo: echoTurns,
  related: relatedTurns,
  invalid: invalidTurns,
} as const

/** What a conversation's packets are, by family. */
export const conversationProtocol = {
  tcp: { 4: 6, 6: 6 },
  udp: { 4: 17, 6: 17 },
  echo: { 4: 1, 6: 58 },
  related: { 4: 17, 6: 17 },
  invalid: { 4: 6, 6: 6 },
} as const

export const conversationKinds = Object.keys(turnsOf) as readonly ConversationKind[]

/**
 * The packets of a conversation in order, as one flow. Those that get through make conntrack see NEW, then
 * ESTABLISHED; `related` and `invalid` what they say.
 */
export const converse = (kind: ConversationKind, talk: Conversation): readonly Probe[] =>
  turnsOf[kind](talk).map(({ says, back = false, layers }) => ({
    name: `${talk.name}/${kind}/${says}`,
    packet: [{ kind: 'ether' }, ipHeader(talk, back), ...layers],
    path: back ? talk.back : talk.there,
    flow: `${talk.name}/${kind}`,
  }))

/** The way back of a path: what was forwarded comes from the other device, what came in is answered from inside. */
export const backOf = (path: Path): Path => {
  switch (path.hook) {
    case 'INPUT':
      return { hook: 'OUTPUT', device: path.device }
    case 'OUTPUT':
      return { hook: 'INPUT', device: path.device }
    case 'FORWARD':
      return { hook: 'FORWARD', device: path.out, out: path.device }
  }
}

/** The n-th quiet port, going round. */
export const quietPort = (n: number): number =>
  quietPorts.first + (n % (quietPorts.last - quietPorts.first + 1))
