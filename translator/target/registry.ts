// What a target does to the walk. A target that rules/ knows and this table does not is a compile error.

import type { ChainTarget, Target } from 'iptables-parser'
import { Untranslatable } from '../match/translate.ts'

/** Counting is done for every rule that matches, whatever its target. */
export type Action = 'accept' | 'drop' | 'return' | 'continue'

export type TargetTranslator<T> = (target: T) => Action

type Extension = Exclude<Target, ChainTarget>

export const untranslatableTarget =
  (why: string): TargetTranslator<unknown> =>
  () => {
    throw new Untranslatable(why)
  }

export const targetTranslators: {
  readonly [K in Extension['kind']]: TargetTranslator<Extract<Extension, { kind: K }>>
} = {
  ACCEPT: () => 'accept',
  AUDIT: untranslatableTarget('it writes to the audit log'),
  CHECKSUM: untranslatableTarget('it changes the packet'),
  CLASSIFY: untranslatableTarget('it sets the traffic control class'),
  CLUSTERIP: untranslatableTarget('Linux has not had it since 6.3'),
  CONNMARK: untranslatableTarget('it changes marks'),
  CONNSECMARK: untranslatableTarget('it changes security marks'),
  CT: untranslatableTarget('it tells connection tracking what to do'),
  DNAT: untranslatableTarget('it translates addresses'),
  DNPT: untranslatableTarget('it translates addresses'),
  DROP: () => 'drop',
  DSCP: untranslatableTarget('it changes the packet'),
  ECN: untranslatableTarget('it changes the packet'),
  HL: untranslatableTarget('it changes the packet'),
  HMARK: untranslatableTarget('it marks the packet with a hash'),
  IDLETIMER: untranslatableTarget('it keeps a timer'),
  LED: untranslatableTarget('it lights a lamp'),
  LOG: untranslatableTarget('it writes to the kernel log'),
  MARK: untranslatableTarget('it marks the packet'),
  MASQUERADE: untranslatableTarget('it translates addresses'),
  NETMAP: untranslatableTarget('it translates addresses'),
  NFLOG: untranslatableTarget('it hands the packet to a program'),
  NFQUEUE: untranslatableTarget('it leaves the verdict to a program'),
  NOTRACK: untranslatableTarget('it tells connection tracking what to do'),
  QUEUE: untranslatableTarget('it leaves the verdict to a program'),
  RATEEST: untranslatableTarget('it feeds a rate estimator'),
  REDIRECT: untranslatableTarget('it translates addresses'),
  REJECT: untranslatableTarget('it answers the sender'),
  RETURN: () => 'return',
  SECMARK: untranslatableTarget('it changes security marks'),
  SET: untranslatableTarget('it changes a set'),
  SNAT: untranslatableTarget('it translates addresses'),
  SNPT: untranslatableTarget('it translates addresses'),
  SYNPROXY: untranslatableTarget('it answers the sender'),
  TCPMSS: untranslatableTarget('it changes the packet'),
  TCPOPTSTRIP: untranslatableTarget('it changes the packet'),
  TEE: untranslatableTarget('it sends a copy of the packet'),
  TOS: untranslatableTarget('it changes the packet'),
  TPROXY: untranslatableTarget('it hands the packet to a socket'),
  TRACE: untranslatableTarget('it makes the kernel report every rule'),
  TTL: untranslatableTarget('it changes the packet'),
  unknown: untranslatableTarget('bpftables does not know this target'),
}
