/**
 * A packet is described as the list of its headers, outermost first. Every field may be left out: lengths,
 * "next protocol" fields and checksums are then computed, the rest have the defaults named in the encoders.
 * A field that is given is written as it is, however wrong. Addresses are in their written form, `…hex`
 * fields are hexadecimal bytes.
 */

/** On every layer: `cut` keeps the first so many bytes of the layer and what it contains, `pad` adds zeros up to it. */
interface Extent {
  readonly cut?: number
  readonly pad?: number
}

export interface Ether extends Extent {
  readonly kind: 'ether'
  readonly src?: string
  readonly dst?: string
  readonly type?: number
}

/** 802.1Q; with `tpid` 0x88a8, 802.1ad. */
export interface Vlan extends Extent {
  readonly kind: 'vlan'
  readonly tpid?: number
  readonly pcp?: number
  readonly vid?: number
  readonly type?: number
}

export interface Arp extends Extent {
  readonly kind: 'arp'
  readonly op?: number
  readonly sha?: string
  readonly spa?: string
  readonly tha?: string
  readonly tpa?: string
}

export const ipFlags = ['mf', 'df', 'rf'] as const
export type IpFlag = (typeof ipFlags)[number]

export interface Ip4 extends Extent {
  readonly kind: 'ip'
  readonly version?: number
  /** In 32-bit words. */
  readonly ihl?: number
  readonly tos?: number
  /** The total length, in bytes. */
  readonly length?: number
  readonly id?: number
  readonly flags?: readonly IpFlag[]
  /** The fragment offset, in 8-byte units. */
  readonly offset?: number
  readonly ttl?: number
  readonly proto?: number
  readonly check?: number
  readonly src?: string
  readonly dst?: string
  readonly options?: string
}

export interface Ip6 extends Extent {
  readonly kind: 'ip6'
  readonly version?: number
  readonly tclass?: number
  readonly flow?: number
  /** The payload length, in bytes. */
  readonly length?: number
  readonly next?: number
  readonly hop?: number
  readonly src?: string
  readonly dst?: string
}

/** What the IPv6 extension headers share: `len` in the unit of the header. */
interface Extension extends Extent {
  readonly next?: number
  readonly len?: number
}

export interface HopByHop extends Extension {
  readonly kind: 'hopopt'
  readonly options?: string
}

export interface DestinationOptions extends Extension {
  readonly kind: 'dstopt'
  readonly options?: string
}

export interface Routing extends Extension {
  readonly kind: 'route'
  readonly type?: number
  readonly left?: number
  /** What follows the segments left, from the four reserved bytes on. */
  readonly data?: string
}

export interface Fragment6 extends Extent {
  readonly kind: 'frag'
  readonly next?: number
  /** In 8-byte units. */
  readonly offset?: number
  /** 1 where more fragments follow. */
  readonly more?: number
  readonly id?: number
}

/** The authentication header, over IPv4 and IPv6. */
export interface Ah extends Extension {
  readonly kind: 'ah'
  readonly spi?: number
  readonly seq?: number
  readonly icv?: string
}

export interface Esp extends Extent {
  readonly kind: 'esp'
  readonly spi?: number
  readonly seq?: number
}

interface Ports extends Extent {
  readonly sport?: number
  readonly dport?: number
  readonly check?: number
}

export const tcpFlags = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const
export type TcpFlag = (typeof tcpFlags)[number]

export interface Tcp extends Ports {
  readonly kind: 'tcp'
  readonly seq?: number
  readonly acknum?: number
  /** The data offset, in 32-bit words. */
  readonly offset?: number
  readonly flags?: readonly TcpFlag[]
  readonly window?: number
  readonly urgent?: number
  readonly options?: string
}

export interface Udp extends Ports {
  readonly kind: 'udp'
  readonly length?: number
}

export interface UdpLite extends Ports {
  readonly kind: 'udplite'
  /** In bytes; 0 covers everything. */
  readonly coverage?: number
}

export interface Sctp extends Ports {
  readonly kind: 'sctp'
  readonly tag?: number
}

export interface Dccp extends Ports {
  readonly kind: 'dccp'
  /** The data offset, in 32-bit words. */
  readonly offset?: number
  /** The packet type (RFC 4340 §5.1). */
  readonly type?: number
  readonly seq?: number
}

export interface Icmp extends Extent {
  readonly kind: 'icmp'
  readonly type?: number
  readonly code?: number
  readonly check?: number
  /** The four bytes after the checksum: identifier and sequence number, or what the type puts there. */
  readonly rest?: number
}

export interface Icmp6 extends Omit<Icmp, 'kind'> {
  readonly kind: 'icmp6'
}

/** Bytes as they are: `hex`, then `zeros` zero bytes. */
export interface Raw extends Extent {
  readonly kind: 'raw'
  readonly hex?: string
  readonly zeros?: number
}

export type Layer =
  | Ether
  | Vlan
  | Arp
  | Ip4
  | Ip6
  | HopByHop
  | DestinationOptions
  | Routing
  | Fragment6
  | Ah
  | Esp
  | Tcp
  | Udp
  | UdpLite
  | Sctp
  | Dccp
  | Icmp
  | Icmp6
  | Raw

export type LayerKind = Layer['kind']
export type LayerOf<K extends LayerKind> = Extract<Layer, { kind: K }>

/** The headers of a packet, outermost first. */
export type Packet = readonly Layer[]
