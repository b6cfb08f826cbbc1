// Fields of IPv6 extension headers (RFC 8200). Of each kind the first header counts, where ipv6_find_hdr finds it (net/ipv6/exthdrs_core.c).

/** The kinds that matches look for; each is a field of 32 bits that says where the header begins, from the network header. */
export const extensionKinds = [
  'hop-by-hop',
  'routing',
  'fragment-header',
  'authentication',
  'destination',
] as const
export type ExtensionKind = (typeof extensionKinds)[number]

/** Values of those fields; from `first` on they are offsets. */
export const headerPlace = {
  absent: 0,
  /** The packet ends inside of the first of the kind, or inside of its extension headers with none of the kind before. */
  cutOff: 1,
  first: 40,
} as const

/** What stands in a header that was found; 0 where none was. */
export const extensionParts = {
  'hop-by-hop-length': ['length of the hop-by-hop header', 16],
  'destination-length': ['length of the destination header', 16],
  'routing-next': ['protocol behind the routing header', 8],
  'routing-length': ['length of the routing header', 16],
  'routing-type': ['type of the routing header', 8],
  'segments-left': ['segments left in the routing header', 8],
  'routing-reserved': ['reserved field of the routing header', 32],
  'last-entry': ['last entry of the segment routing header', 8],
  'segment-tag': ['tag of the segment routing header', 16],
  'segments-beyond': ['segments left beyond the last entry', 1],
  'fragment-id': ['id of the fragment header', 32],
  'fragment-place': ['offset and flags of the fragment header', 16],
  'fragment-reserved': ['reserved field of the fragment header', 8],
  'authentication-spi': ['SPI of the authentication header', 32],
  'authentication-length': ['length of the authentication header', 16],
  'authentication-reserved': ['reserved field of the authentication header', 16],
} as const
export type ExtensionPart = keyof typeof extensionParts

/**
 * Bits of `header-kinds`, those of the kernel (linux/netfilter_ipv6/ip6t_ipv6header.h) and one that says they are all: a packet that ends inside of a header
 * has none.
 */
export const headerKinds = {
  'hop-by-hop': 0x80,
  'ipv6-opts': 0x40,
  'ipv6-route': 0x20,
  'ipv6-frag': 0x10,
  ah: 0x08,
  esp: 0x04,
  'ipv6-nonxt': 0x02,
  protocol: 0x01,
  WHOLE: 0x100,
} as const
