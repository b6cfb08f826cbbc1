// Which match is translated how. A match that rules/ knows and this table does not is a compile error.

import type { Match } from 'iptables-parser'
import { addrtype } from './addrtype.ts'
import { comment } from './comment.ts'
import { connmark } from './connmark.ts'
import { conntrack } from './conntrack.ts'
import { cpu } from './cpu.ts'
import { dccp } from './dccp.ts'
import { devgroup } from './devgroup.ts'
import { ecn } from './ecn.ts'
import { icmp } from './icmp.ts'
import { icmp6 } from './icmp6.ts'
import { iprange } from './iprange.ts'
import { length } from './length.ts'
import { mac } from './mac.ts'
import { mark } from './mark.ts'
import { multiport } from './multiport.ts'
import { owner } from './owner.ts'
import { pkttype } from './pkttype.ts'
import { realm } from './realm.ts'
import { sctp } from './sctp.ts'
import { ah, esp, ipcomp } from './spi.ts'
import { state } from './state.ts'
import { tcp } from './tcp.ts'
import { tcpmss } from './tcpmss.ts'
import { dscp, tos } from './tos.ts'
import { type MatchTranslator, untranslatable } from './translate.ts'
import { hl, ttl } from './ttl.ts'
import { udp } from './udp.ts'

export const matchTranslators: {
  readonly [K in Match['kind']]: MatchTranslator<Extract<Match, { kind: K }>>
} = {
  addrtype,
  ah,
  bpf: untranslatable('programs within programs are not translated yet'),
  cgroup: untranslatable('the control group of a socket is not translated yet'),
  cluster: untranslatable('the hash of a connection is not translated yet'),
  comment,
  connbytes: untranslatable('what a connection has counted is not translated yet'),
  connlabel: untranslatable('the labels of a connection are not translated yet'),
  connlimit: untranslatable('it counts connections, which no decision tree can hold'),
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  dst: untranslatable('IPv6 extension headers are not translated yet'),
  ecn,
  esp,
  eui64: untranslatable('the link-layer source address is not translated yet'),
  frag: untranslatable('IPv6 extension headers are not translated yet'),
  hashlimit: untranslatable('it limits a rate, which no decision tree can hold'),
  hbh: untranslatable('IPv6 extension headers are not translated yet'),
  helper: untranslatable('the helper of a connection is not translated yet'),
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header: untranslatable('the list of IPv6 extension headers is not translated yet'),
  ipvs: untranslatable('it asks for the state of IPVS, which a program cannot see'),
  length,
  limit: untranslatable('it limits a rate, which no decision tree can hold'),
  mac,
  mark,
  mh: untranslatable('the mobility header is not translated yet'),
  multiport,
  nfacct: untranslatable('it counts in an accounting object of the kernel'),
  osf: untranslatable("it guesses the sender's operating system from the kernel's fingerprints"),
  owner,
  physdev: untranslatable('it asks for bridge ports, which a program cannot see'),
  pkttype,
  policy: untranslatable('it asks for the IPsec policy, which a program cannot see'),
  quota: untranslatable('it counts bytes down, which no decision tree can hold'),
  rateest: untranslatable('it asks a rate estimator of the kernel'),
  realm,
  recent: untranslatable('it keeps a list of recent addresses, which no decision tree can hold'),
  rpfilter: untranslatable('it looks up the route back, which is not translated yet'),
  rt: untranslatable('the routing header is not translated yet'),
  sctp,
  set: untranslatable('it looks into an ipset, which a program cannot see'),
  socket: untranslatable('it looks up a socket, which is not translated yet'),
  srh: untranslatable('the segment routing header is not translated yet'),
  state,
  statistic: untranslatable('it matches by chance or by count, which no decision tree can hold'),
  string: untranslatable('it searches the payload, which no decision tree can hold'),
  tcp,
  tcpmss,
  time: untranslatable('it asks for the time of day, which no decision tree can hold'),
  tos,
  ttl,
  u32: untranslatable('it compares arbitrary bytes, which is not translated yet'),
  udp,
  unknown: untranslatable('bpftables does not know this match'),
}
