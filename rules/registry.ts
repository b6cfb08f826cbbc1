// Every extension, by the name iptables gives it. The unions Match and Target follow from these two tables, and whoever keeps a
// table of its own by kind (the translator) fails to compile until it has the new kind too.

import type { MatchExtension, TargetExtension } from './extension.ts'
import { addrtype } from './match/addrtype.ts'
import { ah } from './match/ah.ts'
import { bpf } from './match/bpf.ts'
import { cgroup } from './match/cgroup.ts'
import { cluster } from './match/cluster.ts'
import { comment } from './match/comment.ts'
import { connbytes } from './match/connbytes.ts'
import { connlabel } from './match/connlabel.ts'
import { connlimit } from './match/connlimit.ts'
import { connmark } from './match/connmark.ts'
import { conntrack } from './match/conntrack.ts'
import { cpu } from './match/cpu.ts'
import { dccp } from './match/dccp.ts'
import { devgroup } from './match/devgroup.ts'
import { dscp } from './match/dscp.ts'
import { dst } from './match/dst.ts'
import { ecn } from './match/ecn.ts'
import { esp } from './match/esp.ts'
import { eui64 } from './match/eui64.ts'
import { frag } from './match/frag.ts'
import { hashlimit } from './match/hashlimit.ts'
import { hbh } from './match/hbh.ts'
import { helper } from './match/helper.ts'
import { hl } from './match/hl.ts'
import { icmp } from './match/icmp.ts'
import { icmp6 } from './match/icmp6.ts'
import { ipcomp } from './match/ipcomp.ts'
import { iprange } from './match/iprange.ts'
import { ipv6header } from './match/ipv6header.ts'
import { ipvs } from './match/ipvs.ts'
import { length } from './match/length.ts'
import { limit } from './match/limit.ts'
import { mac } from './match/mac.ts'
import { mark } from './match/mark.ts'
import { mh } from './match/mh.ts'
import { multiport } from './match/multiport.ts'
import { nfacct } from './match/nfacct.ts'
import { osf } from './match/osf.ts'
import { owner } from './match/owner.ts'
import { physdev } from './match/physdev.ts'
import { pkttype } from './match/pkttype.ts'
import { policy } from './match/policy.ts'
import { quota } from './match/quota.ts'
import { rateest } from './match/rateest.ts'
import { realm } from './match/realm.ts'
import { recent } from './match/recent.ts'
import { rpfilter } from './match/rpfilter.ts'
import { rt } from './match/rt.ts'
import { sctp } from './match/sctp.ts'
import { set } from './match/set.ts'
import { socket } from './match/socket.ts'
import { srh } from './match/srh.ts'
import { state } from './match/state.ts'
import { statistic } from './match/statistic.ts'
import { string } from './match/string.ts'
import { tcp } from './match/tcp.ts'
import { tcpmss } from './match/tcpmss.ts'
import { time } from './match/time.ts'
import { tos } from './match/tos.ts'
import { ttl } from './match/ttl.ts'
import { u32 } from './match/u32.ts'
import { udp } from './match/udp.ts'
import type { Located } from './span.ts'
import { AUDIT } from './target/AUDIT.ts'
import { CHECKSUM } from './target/CHECKSUM.ts'
import { CLASSIFY } from './target/CLASSIFY.ts'
import { CLUSTERIP } from './target/CLUSTERIP.ts'
import { CONNMARK } from './target/CONNMARK.ts'
import { CONNSECMARK } from './target/CONNSECMARK.ts'
import { CT } from './target/CT.ts'
import { DNAT } from './target/DNAT.ts'
import { DNPT } from './target/DNPT.ts'
import { DSCP } from './target/DSCP.ts'
import { ECN } from './target/ECN.ts'
import { HL } from './target/HL.ts'
import { HMARK } from './target/HMARK.ts'
import { IDLETIMER } from './target/IDLETIMER.ts'
import { LED } from './target/LED.ts'
import { LOG } from './target/LOG.ts'
import { MARK } from './target/MARK.ts'
import { MASQUERADE } from './target/MASQUERADE.ts'
import { NETMAP } from './target/NETMAP.ts'
import { NFLOG } from './target/NFLOG.ts'
import { NFQUEUE } from './target/NFQUEUE.ts'
import { NOTRACK } from './target/NOTRACK.ts'
import { QUEUE } from './target/QUEUE.ts'
import { RATEEST } from './target/RATEEST.ts'
import { REDIRECT } from './target/REDIRECT.ts'
import { REJECT } from './target/REJECT.ts'
import { SECMARK } from './target/SECMARK.ts'
import { SET } from './target/SET.ts'
import { SNAT } from './target/SNAT.ts'
import { SNPT } from './target/SNPT.ts'
import { SYNPROXY } from './target/SYNPROXY.ts'
import { TCPMSS } from './target/TCPMSS.ts'
import { TCPOPTSTRIP } from './target/TCPOPTSTRIP.ts'
import { TEE } from './target/TEE.ts'
import { TOS } from './target/TOS.ts'
import { TPROXY } from './target/TPROXY.ts'
import { TRACE } from './target/TRACE.ts'
import { TTL } from './target/TTL.ts'
import { ACCEPT, DROP, RETURN } from './target/verdict.ts'
import type { UnknownMatch, UnknownTarget } from './unknown.ts'

export const matchExtensions = {
  addrtype,
  ah,
  bpf,
  cgroup,
  cluster,
  comment,
  connbytes,
  connlabel,
  connlimit,
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
  hashlimit,
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header,
  ipvs,
  length,
  limit,
  mac,
  mark,
  mh,
  multiport,
  nfacct,
  osf,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  rateest,
  realm,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  socket,
  srh,
  state,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
} as const

export const targetExtensions = {
  ACCEPT,
  AUDIT,
  CHECKSUM,
  CLASSIFY,
  CLUSTERIP,
  CONNMARK,
  CONNSECMARK,
  CT,
  DNAT,
  DNPT,
  DROP,
  DSCP,
  ECN,
  HL,
  HMARK,
  IDLETIMER,
  LED,
  LOG,
  MARK,
  MASQUERADE,
  NETMAP,
  NFLOG,
  NFQUEUE,
  NOTRACK,
  QUEUE,
  RATEEST,
  REDIRECT,
  REJECT,
  RETURN,
  SECMARK,
  SET,
  SNAT,
  SNPT,
  SYNPROXY,
  TCPMSS,
  TCPOPTSTRIP,
  TEE,
  TOS,
  TPROXY,
  TRACE,
  TTL,
} as const

type ValueOf<E> = E extends MatchExtension<infer M> ? M : E extends TargetExtension<infer T> ? T : never

/** `-j CHAIN`: the chain's rules come next, and after them the rule behind this one. */
export interface JumpTarget extends Located {
  readonly kind: 'jump'
  readonly chain: string
}

/** `-g CHAIN`: as a jump, but the chain returns to where this chain would have returned. */
export interface GotoTarget extends Located {
  readonly kind: 'goto'
  readonly chain: string
}

export type ChainTarget = JumpTarget | GotoTarget

export type ExtensionMatch = ValueOf<(typeof matchExtensions)[keyof typeof matchExtensions]>
export type Match = ExtensionMatch | UnknownMatch
export type ExtensionTarget = ValueOf<(typeof targetExtensions)[keyof typeof targetExtensions]>
export type Target = ExtensionTarget | UnknownTarget | ChainTarget

/** An extension with its value's type put aside, for code that treats all alike. */
export type AnyMatchExtension = MatchExtension<ExtensionMatch>
export type AnyTargetExtension = TargetExtension<ExtensionTarget>

export const findMatch = (name: string): AnyMatchExtension | undefined =>
  find(matchByName, matchExtensions, name) as AnyMatchExtension | undefined

export const findTarget = (name: string): AnyTargetExtension | undefined =>
  find(targetByName, targetExtensions, name) as AnyTargetExtension | undefined

export const matchExtension = (match: ExtensionMatch): AnyMatchExtension =>
  matchExtensions[match.kind] as AnyMatchExtension

export const targetExtension = (target: ExtensionTarget): AnyTargetExtension =>
  targetExtensions[target.kind] as AnyTargetExtension

interface Named {
  readonly name: string
  readonly aliases?: readonly string[]
}

const matchByName = new Map<string, Named>()
const targetByName = new Map<string, Named>()

function find(
  index: Map<string, Named>,
  extensions: Readonly<Record<string, Named>>,
  name: string,
): Named | undefined {
  if (index.size === 0) {
    for (const extension of Object.values(extensions))
      for (const known of [extension.name, ...(extension.aliases ?? [])]) index.set(known, extension)
  }
  return index.get(name)
}
