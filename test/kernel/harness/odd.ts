import { fragments } from '../../packet/fragment.ts'
import type { Ip4, Ip6, Layer, LayerKind, LayerOf, Packet } from '../../packet/layer.ts'
import { extensionChains } from './extension.ts'
import type { Random } from './random.ts'

type Change = (random: Random, packet: Packet) => readonly Packet[]

/** Where a packet has a layer of a kind, with it changed. */
const on = <K extends LayerKind>(
  packet: Packet,
  kind: K,
  change: (layer: LayerOf<K>) => Partial<LayerOf<K>>,
): Packet =>
  packet.map(layer => (layer.kind === kind ? ({ ...layer, ...change(layer as LayerOf<K>) } as Layer) : layer))

const onIp = (packet: Packet, v4: Partial<Omit<Ip4, 'kind'>>, v6: Partial<Omit<Ip6, 'kind'>>): Packet =>
  on(
    on(packet, 'ip', () => v4),
    'ip6',
    () => v6,
  )

const behind = (packet: Packet, kind: LayerKind, ...added: readonly Layer[]): Packet =>
  packet.flatMap(layer => (layer.kind === kind ? [layer, ...added] : [layer]))

/** The transport header, or what stands in its place. */
const transport = 2

const cut = (packet: Packet, place: number, bytes: number): Packet =>
  packet.map((layer, index) => (index === place ? { ...layer, cut: bytes } : layer))

const one =
  (change: (random: Random, packet: Packet) => Packet): Change =>
  (random, packet) => [change(random, packet)]

/** No operation; record route; loose source route; timestamp; router alert; a length beyond the header. */
const ipOptions = [
  '01010101',
  '07070400000000',
  '830704c000020300',
  '440c050000000000000000000000',
  '94040000',
  '07280400',
] as const

const tags: readonly (readonly Layer[])[] = [
  [{ kind: 'vlan', vid: 0 }],
  [{ kind: 'vlan', vid: 5 }],
  [{ kind: 'vlan', vid: 0, tpid: 0x88a8 }],
  [
    { kind: 'vlan', vid: 0, tpid: 0x88a8 },
    { kind: 'vlan', vid: 0 },
  ],
]

type Gathering = readonly [mac: string | undefined, dst: string | undefined]

/** To the link's address, and to the IP address: sometimes they do not belong together. */
const gatherings: Readonly<Record<4 | 6, readonly Gathering[]>> = {
  4: [
    ['ff:ff:ff:ff:ff:ff', '255.255.255.255'],
    ['ff:ff:ff:ff:ff:ff', '192.0.2.255'],
    ['01:00:5e:00:00:01', '224.0.0.1'],
    ['01:00:5e:01:01:01', '239.1.1.1'],
    ['ff:ff:ff:ff:ff:ff', undefined],
    ['01:00:5e:00:00:01', undefined],
    [undefined, '255.255.255.255'],
    [undefined, '224.0.0.251'],
  ],
  6: [
    ['33:33:00:00:00:01', 'ff02::1'],
    ['33:33:00:00:00:01', 'ff0e::1'],
    ['33:33:00:00:00:01', undefined],
    [undefined, 'ff02::fb'],
    ['ff:ff:ff:ff:ff:ff', undefined],
  ],
}

const strangeSources = {
  4: ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '192.0.2.2'],
  6: ['::', '::1', 'ff02::1', 'fe80::1', '2001:db8::2', '::ffff:192.0.2.1'],
} as const

/** IGMP, IP in IP, IPv6 in IP, GRE, no next header, OSPF, SCTP, UDP-Lite and one for experiments. */
const numbers = [2, 4, 41, 47, 59, 89, 132, 136, 253] as const

const familyOf = (packet: Packet): 4 | 6 => (packet.some(({ kind }) => kind === 'ip6') ? 6 : 4)

const addressed = (packet: Packet, mac: string | undefined, dst: string | undefined): Packet => {
  const framed = mac === undefined ? packet : on(packet, 'ether', () => ({ dst: mac }))
  return dst === undefined ? framed : onIp(framed, { dst }, { dst })
}

/** All fragments in order, the other way round, with one missing or with one twice. */
const fragmented: Change = (random, packet) => {
  const id = 1000 + random.below(30000)
  const parts = fragments(packet, 8 * (1 + random.below(3)), id)
  switch (random.below(4)) {
    case 0:
      return parts.toReversed()
    case 1:
      return parts.toSpliced(random.below(parts.length), 1)
    case 2:
      return parts.flatMap((part, index) => (index === 0 ? [part, part] : [part]))
    default:
      return parts
  }
}

/** Ways in which a packet is odd; what rules ask of it is still there, though maybe out of their reach. */
const oddities = {
  'transport header cut': one((random, packet) => cut(packet, transport, random.below(21))),
  'IP header cut': one((random, packet) => cut(packet, transport - 1, random.below(40))),
  'bytes behind the datagram': one((_, packet) =>
    packet.map(layer => (layer.kind === 'ether' ? { ...layer, pad: 200 } : layer)),
  ),
  'length beyond the frame': one((random, packet) => {
    const length = random.pick([1000, 65535])
    return onIp(packet, { length }, { length })
  }),
  'length short of the frame': one((random, packet) =>
    onIp(packet, { length: 20 + random.below(24) }, { length: random.below(24) }),
  ),
  'header length or version wrong': one((random, packet) =>
    onIp(packet, random.pick([{ ihl: 4 }, { ihl: 6 }, { ihl: 15 }, { version: 5 }]), {
      version: random.pick([4, 5]),
    }),
  ),
  'IP checksum wrong': one((_, packet) => onIp(packet, { check: 0x1234 }, {})),
  'transport checksum wrong': one((_, packet) =>
    packet.map(layer =>
      layer.kind === 'tcp' || layer.kind === 'udp' || layer.kind === 'icmp' || layer.kind === 'icmp6'
        ? { ...layer, check: 0x1234 }
        : layer,
    ),
  ),
  'transport length wrong': one((random, packet) =>
    on(
      on(packet, 'tcp', () => ({ offset: random.pick([0, 4, 15]) })),
      'udp',
      () => ({ length: random.pick([0, 7, 9, 2000]) }),
    ),
  ),
  'last hop': one((random, packet) => {
    const hop = random.below(2)
    return onIp(packet, { ttl: hop }, { hop })
  }),
  'first fragment alone': one((_, packet) =>
    onIp(behind(packet, 'ip6', { kind: 'frag', more: 1, id: 79 }), { flags: ['mf'], id: 79 }, {}),
  ),
  fragments: fragmented,
  'options or extension headers': one((random, packet) =>
    onIp(behind(packet, 'ip6', ...random.pick(extensionChains)), { options: random.pick(ipOptions) }, {}),
  ),
  'VLAN tag': one((random, packet) => behind(packet, 'ether', ...random.pick(tags))),
  'broadcast or multicast': one((random, packet) =>
    addressed(packet, ...random.pick(gatherings[familyOf(packet)])),
  ),
  'strange source': one((random, packet) => {
    const src = random.pick(strangeSources[familyOf(packet)])
    return onIp(packet, { src }, { src })
  }),
  'other protocol': one((random, packet) => {
    const number = random.pick(numbers)
    return onIp(packet, { proto: number }, { next: number })
  }),
} as const satisfies Readonly<Record<string, Change>>

export type Oddity = keyof typeof oddities

export const oddityNames = Object.keys(oddities) as readonly Oddity[]

/** The packet made odd in one way: one or, where it is cut into fragments, several. */
export const oddly = (random: Random, packet: Packet): readonly Packet[] =>
  oddities[random.pick(oddityNames)](random, packet)
