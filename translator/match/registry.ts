// Which match is translated how. A match that rules/ knows and this table does not is a compile error.

import type { Match } from 'iptables-parser'
import { addrtype } from './addrtype.ts'
import { bpf } from './bpf.ts'
import { cgroup } from './cgroup.ts'
import { comment } from './comment.ts'
import { connmark } from './connmark.ts'
import { conntrack } from './conntrack.ts'
import { cpu } from './cpu.ts'
import { dccp } from './dccp.ts'
import { devgroup } from './devgroup.ts'
import { ecn } from './ecn.ts'
import { eui64 } from './eui64.ts'
import { frag } from './frag.ts'
import { helper } from './helper.ts'
import { icmp } from './icmp.ts'
import { icmp6 } from './icmp6.ts'
import { iprange } from './iprange.ts'
import { ipv6header } from './ipv6header.ts'
import { length } from './length.ts'
import { mac } from './mac.ts'
import { mark } from './mark.ts'
import { mh } from './mh.ts'
import { multiport } from './multiport.ts'
import { dst, hbh } from './option-header.ts'
import { owner } from './owner.ts'
import { physdev } from './physdev.ts'
import { pkttype } from './pkttype.ts'
import { realm } from './realm.ts'
import { rt } from './rt.ts'
import { sctp } from './sctp.ts'
import { ah, esp, ipcomp } from './spi.ts'
import { srh } from './srh.ts'
import { state } from './state.ts'
import { statistic } from './statistic.ts'
import { tcp } from './tcp.ts'
import { tcpmss } from './tcpmss.ts'
import { time } from './time.ts'
import { dscp, tos } from './tos.ts'
import { type MatchTranslator, untranslatable } from './translate.ts'
import { hl, ttl } from './ttl.ts'
import { u32 } from './u32.ts'
import { udp } from './udp.ts'

export const matchTranslators: {
  readonly [K in Match['kind']]: MatchTranslator<Extract<Match, { kind: K }>>
} = {
  addrtype,
  ah,
  bpf,
  cgroup,
  cluster: untranslatable('it asks for a hash of the connection, which is not translated'),
  comment,
  connbytes: untranslatable('what a connection has counted is not translated'),
  connlabel: untranslatable('the labels of a connection are not translated', {
    hint: 'ask for the mark of the connection with -m connmark',
  }),
  connlimit: untranslatable('it counts connections, which no decision tree can hold'),
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  dst,
  ecn,
  esp,
  eui64,
  frag,
  hashlimit: untranslatable('it limits a rate, which no decision tree can hold'),
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header,
  ipvs: untranslatable('it asks for the state of IPVS, which a program cannot see'),
  length,
  limit: untranslatable('it limits a rate, which no decision tree can hold'),
  mac,
  mark,
  mh,
  multiport,
  nfacct: untranslatable('it counts in an accounting object of the kernel'),
  osf: untranslatable("it guesses the sender's operating system from the kernel's fingerprints"),
  owner,
  physdev,
  pkttype,
  policy: untranslatable('it asks how IPsec treats the packet, which is not translated', {
    hint: 'ask for the mark that the IPsec policy or state sets, with -m mark',
  }),
  quota: untranslatable('it counts bytes down, which no decision tree can hold'),
  rateest: untranslatable('it asks a rate estimator of the kernel'),
  realm,
  recent: untranslatable('it keeps a list of recent addresses, which no decision tree can hold'),
  rpfilter: untranslatable('it looks up the route back, which a netfilter program cannot', {
    hint: "set net.ipv4.conf.*.rp_filter, or leave the rule in the raw table of the kernel's own iptables",
  }),
  rt,
  sctp,
  set: untranslatable('it looks into an ipset, which a program cannot see'),
  socket: untranslatable(
    'it looks up the socket that would get the packet, which a netfilter program cannot',
    {
      hint: "leave the rule in the mangle table of the kernel's own iptables, and ask here for the mark it sets",
    },
  ),
  srh,
  state,
  statistic,
  string: untranslatable('it searches the payload, which no decision tree can hold'),
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
  unknown: untranslatable('bpftables does not know this match'),
}
