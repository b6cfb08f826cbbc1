import type { Probe } from '../kernel/harness/probe.ts'
import type { LayerKind, LayerOf, Packet } from '../packet/layer.ts'

type Predicate = (packet: Packet) => boolean

const layerOf = <K extends LayerKind>(packet: Packet, kind: K): LayerOf<K> | undefined =>
  packet.find((layer): layer is LayerOf<K> => layer.kind === kind)

const has =
  (...kinds: readonly LayerKind[]): Predicate =>
  packet =>
    packet.some(({ kind }) => kinds.includes(kind))

/** Whether one of these layers is there and a predicate holds for it. */
const some =
  <K extends LayerKind>(kinds: readonly K[], holds: (layer: LayerOf<K>) => boolean): Predicate =>
  packet =>
    kinds.some(kind => {
      const layer = layerOf(packet, kind)
      return layer !== undefined && holds(layer)
    })

const carries =
  (...protocols: readonly number[]): Predicate =>
  packet =>
    protocols.includes(layerOf(packet, 'ip')?.proto ?? layerOf(packet, 'ip6')?.next ?? -1)

const isMulticastAddress = (address: string | undefined): boolean =>
  /^(22[4-9]|23\d)\.|^ff0/.test(address ?? '')

const isBroadcastAddress = (address: string | undefined): boolean => /\.255$/.test(address ?? '')

const transports = ['tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'dccp', 'udplite', 'esp', 'ah'] as const

/** Layers whose bytes end before they should. */
const isCut =
  (...kinds: readonly LayerKind[]): Predicate =>
  packet =>
    packet.some(({ kind, cut }) => kinds.includes(kind) && cut !== undefined)

const extensionHeaders = ['hopopt', 'dstopt', 'route', 'frag', 'ah'] as const

/** What packets of the differential test can have. */
const traits: Readonly<Record<string, Predicate>> = {
  TCP: has('tcp'),
  UDP: has('udp'),
  'ICMP, ICMPv6': has('icmp', 'icmp6'),
  SCTP: packet => has('sctp')(packet) || carries(132)(packet),
  DCCP: packet => has('dccp')(packet) || carries(33)(packet),
  'UDP-Lite': packet => has('udplite')(packet) || carries(136)(packet),
  ESP: packet => has('esp')(packet) || carries(50)(packet),
  AH: packet => has('ah')(packet) || carries(51)(packet),
  IPComp: carries(108),
  'other protocols': carries(2, 4, 41, 47, 59, 89, 253),
  'not IP': packet => !has('ip', 'ip6')(packet),
  'TCP options': some(['tcp'], ({ options }) => options !== undefined),
  'ICMP errors quoting a packet': packet =>
    has('icmp', 'icmp6')(packet) && packet.filter(({ kind }) => kind === 'ip' || kind === 'ip6').length > 1,
  'first fragments': packet =>
    some(['ip'], ({ flags, offset = 0 }) => offset === 0 && (flags ?? []).includes('mf'))(packet) ||
    some(['frag'], ({ offset = 0, more = 0 }) => offset === 0 && more === 1)(packet),
  'further fragments': some(['ip', 'frag'], ({ offset = 0 }) => offset > 0),
  'IPv4 options': some(['ip'], ({ options }) => options !== undefined),
  'IPv6 extension headers': packet => has('ip6')(packet) && has(...extensionHeaders)(packet),
  'several extension headers': packet =>
    has('ip6')(packet) &&
    packet.filter(({ kind }) => extensionHeaders.some(extension => extension === kind)).length > 1,
  'truncated IP headers': isCut('ip', 'ip6'),
  'truncated transport headers': isCut(...transports),
  'wrong IP lengths': packet =>
    some(['ip', 'ip6'], ({ length }) => length !== undefined)(packet) ||
    some(['ip'], ({ ihl }) => ihl !== undefined)(packet),
  'wrong transport lengths': packet =>
    some(['udp'], ({ length }) => length !== undefined)(packet) ||
    some(['tcp'], ({ offset }) => offset !== undefined)(packet),
  'wrong IP checksums': some(['ip'], ({ check }) => check !== undefined),
  'wrong transport checksums': some(['tcp', 'udp', 'icmp', 'icmp6'], ({ check }) => check !== undefined),
  'bytes behind the datagram': some(['ether'], ({ pad }) => pad !== undefined),
  'one VLAN tag': packet => packet.filter(({ kind }) => kind === 'vlan').length === 1,
  'several VLAN tags': packet => packet.filter(({ kind }) => kind === 'vlan').length > 1,
  'multicast by MAC address': some(['ether'], ({ dst }) => /^(01:00:5e|33:33)/.test(dst ?? '')),
  'broadcast by MAC address': some(['ether'], ({ dst }) => dst === 'ff:ff:ff:ff:ff:ff'),
  'multicast by IP address': some(['ip', 'ip6'], ({ dst }) => isMulticastAddress(dst)),
  'broadcast by IP address': some(['ip'], ({ dst }) => isBroadcastAddress(dst)),
  'last hop': packet =>
    some(['ip'], ({ ttl = 64 }) => ttl < 2)(packet) || some(['ip6'], ({ hop = 64 }) => hop < 2)(packet),
}

export const traitNames = Object.keys(traits)

/** What cannot be sent in one of the families. */
export const traitsWithout: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ['IPv6 extension headers', 'several extension headers'],
  6: ['IPv4 options', 'wrong IP checksums', 'broadcast by IP address'],
}

/** How many of the probes have each trait. */
export const countTraits = (probes: readonly Probe[]): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(traits).map(([name, holds]) => [
      name,
      probes.filter(({ packet }) => holds(packet)).length,
    ]),
  )
