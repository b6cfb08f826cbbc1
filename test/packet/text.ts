/**
 * Packets as text, one line each, headers outermost first:
 *
 *     ether / ip src=192.0.2.1 dst=192.0.2.2 flags=df / tcp dport=22 flags=syn,ack / raw zeros=20
 *
 * Names and fields are those of layer.ts; numbers are decimal or 0x….
 */
import type { IpFlag, Layer, LayerKind, LayerOf, Packet, TcpFlag } from './layer.ts'
import { ipFlags, tcpFlags } from './layer.ts'

type FieldType<T> = T extends number
  ? 'number'
  : T extends string
    ? 'text'
    : T extends readonly TcpFlag[]
      ? 'tcpFlags'
      : T extends readonly IpFlag[]
        ? 'ipFlags'
        : never

type Schema<L> = { readonly [F in Exclude<keyof L, 'kind'>]-?: FieldType<Exclude<L[F], undefined>> }

const extent = { cut: 'number', pad: 'number' } as const
const ports = { sport: 'number', dport: 'number', check: 'number', ...extent } as const
const extension = { next: 'number', len: 'number', ...extent } as const
const addresses = { src: 'text', dst: 'text', ...extent } as const
const message = { type: 'number', code: 'number', check: 'number', rest: 'number', ...extent } as const

/** Every layer's fields and how they are written; complete by its type. */
const schemas: { readonly [K in LayerKind]: Schema<LayerOf<K>> } = {
  ether: { ...addresses, type: 'number' },
  vlan: { tpid: 'number', pcp: 'number', vid: 'number', type: 'number', ...extent },
  arp: { op: 'number', sha: 'text', spa: 'text', tha: 'text', tpa: 'text', ...extent },
  ip: {
    ...addresses,
    version: 'number',
    ihl: 'number',
    tos: 'number',
    length: 'number',
    id: 'number',
    flags: 'ipFlags',
    offset: 'number',
    ttl: 'number',
    proto: 'number',
    check: 'number',
    options: 'text',
  },
  ip6: {
    ...addresses,
    version: 'number',
    tclass: 'number',
    flow: 'number',
    length: 'number',
    next: 'number',
    hop: 'number',
  },
  hopopt: { ...extension, options: 'text' },
  dstopt: { ...extension, options: 'text' },
  route: { ...extension, type: 'number', left: 'number', data: 'text' },
  frag: { next: 'number', offset: 'number', more: 'number', id: 'number', ...extent },
  ah: { ...extension, spi: 'number', seq: 'number', icv: 'text' },
  esp: { spi: 'number', seq: 'number', ...extent },
  tcp: {
    ...ports,
    seq: 'number',
    acknum: 'number',
    offset: 'number',
    flags: 'tcpFlags',
    window: 'number',
    urgent: 'number',
    options: 'text',
  },
  udp: { ...ports, length: 'number' },
  udplite: { ...ports, coverage: 'number' },
  sctp: { ...ports, tag: 'number' },
  dccp: { ...ports, offset: 'number', type: 'number', seq: 'number' },
  icmp: message,
  icmp6: message,
  raw: { hex: 'text', zeros: 'number', ...extent },
}

const isLayerKind = (name: string): name is LayerKind => Object.hasOwn(schemas, name)

const parseNumber = (text: string): number => {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new SyntaxError(`not a number: "${text}"`)
  return Number(text)
}

const parseFlags = (text: string, known: readonly string[]): readonly string[] => {
  const flags = text === '' ? [] : text.split(',')
  const unknown = flags.find(flag => !known.includes(flag))
  if (unknown !== undefined) throw new SyntaxError(`no such flag: "${unknown}"`)
  return flags
}

type FieldValue = number | string | readonly string[]

const parseValue = (type: string, text: string): FieldValue => {
  switch (type) {
    case 'number':
      return parseNumber(text)
    case 'tcpFlags':
      return parseFlags(text, tcpFlags)
    case 'ipFlags':
      return parseFlags(text, ipFlags)
    default:
      return text
  }
}

const parseField = (kind: LayerKind, word: string): readonly [string, FieldValue] => {
  const [name = '', ...rest] = word.split('=')
  const schema: Readonly<Record<string, string>> = schemas[kind]
  const type = Object.hasOwn(schema, name) ? schema[name] : undefined
  if (type === undefined) throw new SyntaxError(`${kind} has no field "${name}"`)
  return [name, parseValue(type, rest.join('='))]
}

const parseLayer = (text: string): Layer => {
  const [kind = '', ...words] = text.trim().split(/\s+/)
  if (!isLayerKind(kind)) throw new SyntaxError(`no such header: "${kind}"`)
  // Sound: `schemas` is complete by its type, and every value was read as the schema says.
  return { ...Object.fromEntries(words.map(word => parseField(kind, word))), kind } as Layer
}

/** Throws SyntaxError naming the header, field or value that is wrong. */
export const parsePacket = (text: string): Packet => text.split(' / ').map(parseLayer)

const formatLayer = ({ kind, ...values }: Layer): string =>
  [kind, ...Object.entries(values).map(([name, value]) => `${name}=${String(value)}`)].join(' ')

/** The line that {@link parsePacket} reads back as the same packet. */
export const formatPacket = (packet: Packet): string => packet.map(formatLayer).join(' / ')

export interface NamedPacket {
  readonly name: string
  readonly packet: Packet
}

/** A table of packets: `name: packet` lines, blank lines and `#` comments. Throws SyntaxError with the line's number. */
export const parseTable = (text: string): readonly NamedPacket[] =>
  text.split('\n').flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return []
    const [, name, packet] = /^([\w.-]+):\s+(.*)$/.exec(line) ?? []
    if (name === undefined || packet === undefined)
      throw new SyntaxError(`line ${index + 1}: no "name: packet"`)
    try {
      return [{ name, packet: parsePacket(packet) }]
    } catch (cause) {
      throw new SyntaxError(`line ${index + 1}: ${name}`, { cause })
    }
  })
