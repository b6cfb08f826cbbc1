// Which match is translated how. A match that rules/ knows and this table does not is a compile error.

import type { Match } from 'iptables-parser'
import { comment } from './comment.ts'
import { conntrack } from './conntrack.ts'
import { icmp } from './icmp.ts'
import { icmp6 } from './icmp6.ts'
import { multiport } from './multiport.ts'
import { state } from './state.ts'
import { tcp } from './tcp.ts'
import { type MatchTranslator, untranslatable } from './translate.ts'
import { udp } from './udp.ts'

export const matchTranslators: {
  readonly [K in Match['kind']]: MatchTranslator<Extract<Match, { kind: K }>>
} = {
  addrtype: untranslatable('what an address is to the routing table is not translated yet'),
  ah: untranslatable('the authentication header is not translated yet'),
  bpf: untranslatable('programs within programs are not translated yet'),
  cgroup: untranslatable('the control group of a socket is not translated yet'),
  cluster: untranslatable('the hash of a connection is not translated yet'),
  comment,
  connbytes: untranslatable('what a connection has counted is not translated yet'),
  connlabel: untranslatable('the labels of a connection are not translated yet'),
  connlimit: untranslatable('it counts connections, which no decision tree can hold'),
  connmark: untranslatable('the mark of a connection is not translated yet'),
  conntrack,
  cpu: untranslatable('no program is told which CPU iptables would have asked on'),
  dccp: untranslatable('DCCP is not translated yet'),
  devgroup: untranslatable('the group of a device is not translated yet'),
  dscp: untranslatable('the DSCP is not translated yet'),
  dst: untranslatable('IPv6 extension headers are not translated yet'),
  ecn: untranslatable('the ECN bits are not translated yet'),
  esp: untranslatable('the SPI is not translated yet'),
  eui64: untranslatable('the link-layer source address is not translated yet'),
  frag: untranslatable('IPv6 extension headers are not translated yet'),
  hashlimit: untranslatable('it limits a rate, which no decision tree can hold'),
  hbh: untranslatable('IPv6 extension headers are not translated yet'),
  helper: untranslatable('the helper of a connection is not translated yet'),
  hl: untranslatable('the hop limit is not translated yet'),
  icmp,
  icmp6,
  ipcomp: untranslatable('the SPI is not translated yet'),
  iprange: untranslatable('address ranges are not translated yet'),
  ipv6header: untranslatable('the list of IPv6 extension headers is not translated yet'),
  ipvs: untranslatable('it asks for the state of IPVS, which a program cannot see'),
  length: untranslatable('the packet length is not translated yet'),
  limit: untranslatable('it limits a rate, which no decision tree can hold'),
  mac: untranslatable('the link-layer source address is not translated yet'),
  mark: untranslatable('the packet mark is not translated yet'),
  mh: untranslatable('the mobility header is not translated yet'),
  multiport,
  nfacct: untranslatable('it counts in an accounting object of the kernel'),
  osf: untranslatable("it guesses the sender's operating system from the kernel's fingerprints"),
  owner: untranslatable('it asks who owns the socket, which a program cannot see'),
  physdev: untranslatable('it asks for bridge ports, which a program cannot see'),
  pkttype: untranslatable('the link-layer packet type is not translated yet'),
  policy: untranslatable('it asks for the IPsec policy, which a program cannot see'),
  quota: untranslatable('it counts bytes down, which no decision tree can hold'),
  rateest: untranslatable('it asks a rate estimator of the kernel'),
  realm: untranslatable('it asks for the routing realm, which a program cannot see'),
  recent: untranslatable('it keeps a list of recent addresses, which no decision tree can hold'),
  rpfilter: untranslatable('it looks up the route back, which is not translated yet'),
  rt: untranslatable('the routing header is not translated yet'),
  sctp: untranslatable('SCTP ports and chunks are not translated yet'),
  set: untranslatable('it looks into an ipset, which a program cannot see'),
  socket: untranslatable('it looks up a socket, which is not translated yet'),
  srh: untranslatable('the segment routing header is not translated yet'),
  state,
  statistic: untranslatable('it matches by chance or by count, which no decision tree can hold'),
  string: untranslatable('it searches the payload, which no decision tree can hold'),
  tcp,
  tcpmss: untranslatable('the TCP MSS option is not translated yet'),
  time: untranslatable('it asks for the time of day, which no decision tree can hold'),
  tos: untranslatable('the type of service is not translated yet'),
  ttl: untranslatable('the TTL is not translated yet'),
  u32: untranslatable('it compares arbitrary bytes, which is not translated yet'),
  udp,
  unknown: untranslatable('bpftables does not know this match'),
}
